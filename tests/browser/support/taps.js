// Taps that the page takes for single taps, and double taps with a clock that the test controls.

/**
 * Runs in the page before its scripts, so that the page does not take quick taps for double taps. `pausedTaps` undoes
 * this.
 */
export function areDeliberate() {
  addEventListener(
    'pointerdown',
    () => {
      // After a key press, the page does not take a tap for the second tap of a double tap.
      if (!window.mayTapTwice) dispatchEvent(new KeyboardEvent('keydown'));
    },
    { capture: true },
  );
}

/** Stops the page's clock and returns a function that taps at the current place of `locator`. */
export async function pausedTaps(page, locator) {
  await locator.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await locator.boundingBox();
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 1_000);
  await page.evaluate(() => (window.mayTapTwice = true));
  return () => page.mouse.click(x + width / 2, y + height / 2);
}
