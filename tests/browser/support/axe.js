import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from '@playwright/test';
import { settled } from './settled.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds on the page as it is. */
async function violations(page) {
  // Through the debugger, as the page's policy lets no script in.
  await page.evaluate(AXE);
  const results = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}

/** Nothing is wider than the window. */
export async function isNotWide(page, what) {
  const { wide, seen } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, seen: document.documentElement.clientWidth }));
  expect(wide, `${what} scrolls sideways`).toBeLessThanOrEqual(seen);
}

/** axe-core finds nothing on the page as it is, and it does not scroll sideways. */
export async function checkPage(page, what) {
  await settled(page);
  expect(await violations(page), what).toEqual([]);
  await isNotWide(page, what);
}
