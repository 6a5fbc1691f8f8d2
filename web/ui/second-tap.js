// The second tap of a double tap. It was meant for the page below, and must not act on the dialog that the first tap opened.

/** The longest time between the two taps, in milliseconds. */
export const SECOND_TAP = 500;

/** The longest distance between the two taps, in pixels. */
const SAME_PLACE = 48;

let last = { x: -Infinity, y: -Infinity };

addEventListener(
  'pointerdown',
  ({ clientX, clientY }) => {
    last = { x: clientX, y: clientY };
  },
  { capture: true, passive: true },
);

/**
 * Begins the time in which a tap may be the second one.
 *
 * @returns {(event: MouseEvent, isAnywhere: boolean) => boolean} whether a click is the second tap
 */
export function watchSecondTap() {
  const openedAt = performance.now();
  const { x, y } = last;
  return ({ detail, clientX, clientY }, isAnywhere) =>
    // A click by the keyboard has no detail.
    detail > 0 && performance.now() - openedAt < SECOND_TAP && (isAnywhere || Math.hypot(clientX - x, clientY - y) < SAME_PLACE);
}
