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

/** Checks that no text is cut off by its box or by the sides of the window, except where that is intended. */
export async function isNotCut(page, what) {
  const cut = await page.evaluate(() => {
    // The categories of the guest page scroll sideways.
    const mayScroll = (element) => element.closest('.categories') !== null;
    const hides = (value) => value === 'hidden' || value === 'clip';
    const isCut = (element) => {
      const { scrollWidth, scrollHeight, clientWidth, clientHeight } = element;
      const style = getComputedStyle(element);
      if (clientWidth === 0 || !element.textContent || style.clipPath !== 'none' || style.webkitLineClamp !== 'none') return false;
      const isWide = style.overflowX !== 'visible' && scrollWidth > clientWidth + 1;
      if (isWide && style.textOverflow !== 'ellipsis' && !mayScroll(element)) return true;
      return hides(style.overflowY) && scrollHeight > clientHeight + 1;
    };
    const isOutside = (element) => {
      const { left, right, width } = element.getBoundingClientRect();
      return width > 1 && (left < 0 || right > innerWidth + 1) && !mayScroll(element);
    };
    return [...document.body.querySelectorAll('*')]
      .filter((element) => !element.matches('script, input, select, textarea, option') && (isCut(element) || isOutside(element)))
      .map((element) => `${element.tagName} ${element.className}: ${element.textContent}`);
  });
  expect(cut, `${what} is cut off`).toEqual([]);
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
 * Checks that axe-core finds no violation on the current page, that it does not scroll sideways, that no text is cut
 * off and that its targets are at least 48 pixels wide and high.
 */
export async function checkPage(page, what) {
  await settled(page);
  expect(await violations(page), what).toEqual([]);
  await isNotWide(page, what);
  await isNotCut(page, what);
  expect(await smallTargets(page), `${what} has small targets`).toEqual([]);
}
