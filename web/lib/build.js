// A page that stays open for weeks must reload after the server was updated.
import { whenIdle } from './idle.js';
import { hasUnsaved } from './unsaved.js';

/** The build that this module is part of. */
const OWN = /\/assets\/([^/]+)\//.exec(import.meta.url)?.[1];

const UNUSED_FOR = 60_000;

/** While two releases serve side by side, the page must not load itself again and again. */
const AT_MOST_EVERY = 600_000;
const STAMP = 'tableorder.reloaded_at';

let isPlanned = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** Asks the server for its build. If it is another, the page loads itself again once nobody uses it. */
export async function checkBuild() {
  if (isPlanned) return;
  const build = await currentBuild();
  if (build === OWN) return;
  if (!build || Date.now() - Number(sessionStorage.getItem(STAMP)) < AT_MOST_EVERY) {
    checkLater();
    return;
  }
  isPlanned = true;
  reloadWhenIdle();
}

/** A stream may stay open for days: the page does not wait until it connects again. */
function checkLater() {
  clearTimeout(timer);
  timer = setTimeout(checkBuild, AT_MOST_EVERY);
}

function reloadWhenIdle() {
  whenIdle(UNUSED_FOR, async () => {
    if (hasUnsaved()) {
      setTimeout(reloadWhenIdle, UNUSED_FOR);
      return;
    }
    isPlanned = false;
    // It may be gone again, and a page that cannot load is worse than an old one.
    if (!(await currentBuild())) {
      checkLater();
      return;
    }
    sessionStorage.setItem(STAMP, String(Date.now()));
    location.reload();
  });
}

async function currentBuild() {
  try {
    const response = await fetch(location.pathname, { method: 'HEAD', cache: 'no-store', credentials: 'omit' });
    return response.ok ? response.headers.get('x-build') : null;
  } catch {
    return null;
  }
}
