// Reloads the page after an update of the server, because a page may stay open for weeks.
import { UNUSED_FOR, whenIdle } from './idle.js';
import { signal } from './preact.js';
import { tab } from './store.js';
import { hasUnsaved } from './unsaved.js';

/** The build that this module is part of. */
const OWN = /\/assets\/([^/]+)\//.exec(import.meta.url)?.[1];

/** While instances of two releases are running, the page could otherwise reload repeatedly. */
const AT_MOST_EVERY = 600_000;
const STAMP = 'reloaded_at';

/** How long the response may take, in milliseconds. */
const TIMEOUT = 10_000;

/** Whether the page will reload, because the server has another build. */
export const isPlanned = signal(false);

/** @type {() => boolean} */
let isHeld = () => false;

let isChecking = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** Keeps the page from reloading by itself while `hold` returns true. @param {() => boolean} hold */
export function holdReload(hold) {
  isHeld = hold;
}

/** Reads the server's build. If it differs from the page's, the page reloads when it is idle. */
export async function checkBuild() {
  // A stream that reconnects again and again must not use up the browser's connections with checks.
  if (isPlanned.peek() || isChecking) return;
  isChecking = true;
  const build = await currentBuild();
  isChecking = false;
  if (build === OWN) return;
  if (!build || Date.now() - Number(tab.read(STAMP)) < AT_MOST_EVERY) {
    checkLater();
    return;
  }
  isPlanned.value = true;
  reloadWhenIdle();
}

/** Checks again without waiting for the stream to reconnect, because a stream may stay open for days. */
function checkLater() {
  clearTimeout(timer);
  timer = setTimeout(checkBuild, AT_MOST_EVERY);
}

function reloadWhenIdle() {
  whenIdle(UNUSED_FOR, () => {
    if (!isPlanned.peek()) return;
    if (hasUnsaved() || isHeld()) setTimeout(reloadWhenIdle, UNUSED_FOR);
    else reload();
  });
}

/**
 * Reloads the page if the server responds: an old page is better than none.
 *
 * @param {boolean} [isAsked] whether the user wants it
 */
export async function reload(isAsked = false) {
  const isServed = await currentBuild();
  // The user can ask again.
  if (!isServed && isAsked) return;
  isPlanned.value = false;
  if (!isServed) {
    checkLater();
    return;
  }
  // Without the time of this reload, the page could reload repeatedly.
  if (tab.write(STAMP, Date.now()) || isAsked) location.reload();
}

async function currentBuild() {
  const abort = new AbortController();
  const timeout = setTimeout(() => abort.abort(), TIMEOUT);
  try {
    const { signal } = abort;
    const response = await fetch(location.pathname, { method: 'HEAD', cache: 'no-store', credentials: 'omit', signal });
    return response.ok ? response.headers.get('x-build') : null;
  } catch {
    return null;
  } finally {
    clearTimeout(timeout);
  }
}
