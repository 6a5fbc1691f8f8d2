// Detects whether the page is in use.

/** Without `scroll`, because a page may also scroll without input. */
const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'input', 'wheel', 'touchmove'];

let activeAt = Date.now();

for (const sign of SIGNS) addEventListener(sign, markActive, { capture: true, passive: true });

/** The time since the last input, in milliseconds. */
function idleFor() {
  return Date.now() - activeAt;
}

/** In milliseconds. */
export const UNUSED_FOR = 60_000;

/** Whether there was no input for a minute, so that elements may move. */
export function isUnused() {
  return idleFor() >= UNUSED_FOR;
}

/** Counts as an input. */
export function markActive() {
  activeAt = Date.now();
}

/**
 * Calls `act` after `duration` milliseconds without input.
 *
 * @param {number} duration
 * @param {() => void} act
 * @returns {() => void} cancels it
 */
export function whenIdle(duration, act) {
  let timer = setTimeout(check, Math.max(0, duration - idleFor()));
  function check() {
    const left = duration - idleFor();
    if (left <= 0) act();
    else timer = setTimeout(check, left);
  }
  return () => clearTimeout(timer);
}
