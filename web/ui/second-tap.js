// Ignores the second tap of a double tap if the first one changed what is under the finger, for example opened a dialog:
// the user meant the previous content.

/** The longest time from the change until the second tap, in milliseconds. */
export const SECOND_TAP = 500;

/** The longest distance between the two taps, in pixels. */
const SAME_PLACE = 48;

const NOWHERE = { x: -Infinity, y: -Infinity };

const NEVER = { at: -Infinity, ...NOWHERE };

let last = NOWHERE;
/** When the content last changed, and where the tap before it was. */
let change = NEVER;

/** Call it when a dialog opens or closes, and when a tap changes or removes what it touched. */
export function contentChanged() {
  change = { at: performance.now(), ...last };
}

/** @param {MouseEvent} event */
function isSecondTap({ detail, target, clientX, clientY }) {
  // A click by the keyboard has `detail` 0.
  if (detail === 0 || performance.now() - change.at >= SECOND_TAP) return false;
  const isBesideDialog = target instanceof HTMLDialogElement;
  return isBesideDialog || Math.hypot(clientX - change.x, clientY - change.y) < SAME_PLACE;
}

/** A key press shows that the user has seen the new content. */
function forget() {
  last = NOWHERE;
  change = NEVER;
}

/** @type {AddEventListenerOptions} */
const early = { capture: true, passive: true };
addEventListener('pointerdown', ({ clientX, clientY }) => (last = { x: clientX, y: clientY }), early);
addEventListener('keydown', forget, early);
addEventListener('input', forget, early);
addEventListener(
  'click',
  (event) => {
    if (!isSecondTap(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  { capture: true },
);
