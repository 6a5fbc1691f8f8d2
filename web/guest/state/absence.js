// After a time in the background, such as the sleep of a tablet, other guests may be at the table: the page does not show
// them the orders of its session before the server has confirmed it.
import { confirmAgain, confirmSession, phase } from './session.js';
import { dismissThanks } from './thanks.js';

const ABSENCE = 60_000;
const CONFIRM_EVERY = 10_000;

/** When the page was last hidden; at first, when it was opened, because it may be opened in a hidden tab. */
let hiddenAt = Date.now();
/** Whether the page was hidden for that long, and the server has not confirmed the session since. */
let isUnconfirmed = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') hiddenAt = Date.now();
  else if (Date.now() - hiddenAt > ABSENCE) confirmAfterAbsence();
});

/**
 * Call it when the stream of a session is connected.
 *
 * @param {number} session
 */
export function confirmConnected(session) {
  if (isUnconfirmed) confirmAfterAbsence();
  else confirmSession(session);
}

async function confirmAfterAbsence() {
  clearTimeout(timer);
  if (phase.peek() === 'ended') {
    dismissThanks();
    return;
  }
  isUnconfirmed = true;
  try {
    await confirmAgain();
    isUnconfirmed = false;
  } catch {
    // Another attempt may have succeeded in the meantime.
    if (isUnconfirmed) timer = setTimeout(confirmAfterAbsence, CONFIRM_EVERY);
  }
}
