import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from '@playwright/test';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds on the page as it is. */
async function violations(page) {
  // Through the debugger, as the page's policy lets no script in.
  await page.evaluate(AXE);
  const results = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}

/** Waits for the end of transitions and of animations that end. */
async function isSettled(page) {
  await page.evaluate(() => {
    const ending = document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations !== Infinity);
    return Promise.all(ending.map(({ finished }) => finished.catch(() => {})));
  });
}

/** Nothing is wider than the window. */
export async function isNotWide(page, what) {
  const { wide, seen } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, seen: document.documentElement.clientWidth }));
  expect(wide, `${what} scrolls sideways`).toBeLessThanOrEqual(seen);
}

/** axe-core finds nothing on the page as it is, and it does not scroll sideways. */
export async function checkPage(page, what) {
  await isSettled(page);
  expect(await violations(page), what).toEqual([]);
  await isNotWide(page, what);
}
