// Detects whether the page is in use.

/** Not `scroll`: a page may scroll by itself. */
const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'input', 'wheel', 'touchmove'];

let activeAt = Date.now();

for (const sign of SIGNS) addEventListener(sign, markActive, { capture: true, passive: true });

/** For how long nobody has touched the page, in milliseconds. */
export function idleFor() {
  return Date.now() - activeAt;
}

/** Whether nobody is about to tap, as nobody has touched the page for a minute. */
export function isUnused() {
  return idleFor() >= 60_000;
}

/** As if somebody had touched it. */
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
