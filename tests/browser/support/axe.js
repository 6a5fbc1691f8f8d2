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

/** The buttons, links and fields that are less than 48 pixels wide or high. */
const smallTargets = (page) =>
  page.evaluate(() =>
    // The area of `.card-open` is its card, and `.skip` can only be reached with the keyboard.
    [...document.querySelectorAll('button, a[href], input, select, textarea, summary')]
      .filter((element) => !element.matches('.card-open, .skip'))
      .map((element) => {
        const target = element.matches('[type="checkbox"], [type="radio"]') ? element.labels[0] : element;
        const { width, height } = target.getBoundingClientRect();
        const name = element.getAttribute('aria-label') ?? (element.textContent || element.labels?.[0]?.textContent);
        return { name, width, height };
      })
      // A size in rem may be rounded.
      .filter(({ width, height }) => width > 0 && (width < 47.9 || height < 47.9)),
  );

/**
 * Checks that axe-core finds no violation on the current page, that it does not scroll sideways and that its targets
 * are at least 48 pixels wide and high.
 */
export async function checkPage(page, what) {
  await settled(page);
  expect(await violations(page), what).toEqual([]);
  await isNotWide(page, what);
  expect(await smallTargets(page), `${what} has small targets`).toEqual([]);
}
