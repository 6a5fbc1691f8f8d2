import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from '@playwright/test';
import { settled } from './settled.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The violations that axe-core finds on the current page. */
async function violations(page) {
  // `evaluate` uses the debugger: the page's security policy would block an injected script.
  await page.evaluate(AXE);
  const results = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}

/** Checks that nothing is wider than the window. */
export async function isNotWide(page, what) {
  const { wide, seen } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, seen: document.documentElement.clientWidth }));
  expect(wide, `${what} scrolls sideways`).toBeLessThanOrEqual(seen);
}

/** Checks that axe-core finds no violation on the current page, and that it does not scroll sideways. */
export async function checkPage(page, what) {
  await settled(page);
  expect(await violations(page), what).toEqual([]);
  await isNotWide(page, what);
}
