/**
 * Waits until everything is at its place: the layout after a change of size, and the end of animations that end.
 *
 * @param {import('@playwright/test').Page} page
 */
export async function settled(page) {
  await page.evaluate(async () => {
    // The first frame may still have the former layout.
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    const ending = document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations !== Infinity);
    await Promise.all(ending.map(({ finished }) => finished.catch(() => {})));
  });
}
