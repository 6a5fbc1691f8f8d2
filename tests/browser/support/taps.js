// Taps of tests: deliberate ones, and double taps on a clock that the test moves.

/**
 * For the page, before its own scripts: a tap is not the second one of a double tap, however soon it follows. `pausedTaps` takes
 * that back.
 */
export function areDeliberate() {
  addEventListener(
    'pointerdown',
    () => {
      // After a key press, the page does not take a tap for the second one of a double tap.
      if (!window.mayTapTwice) dispatchEvent(new KeyboardEvent('keydown'));
    },
    { capture: true },
  );
}

/** Stops the page's clock and returns a function that taps the middle of where `locator` is now. */
export async function pausedTaps(page, locator) {
  await locator.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await locator.boundingBox();
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 1_000);
  await page.evaluate(() => (window.mayTapTwice = true));
  return () => page.mouse.click(x + width / 2, y + height / 2);
}
