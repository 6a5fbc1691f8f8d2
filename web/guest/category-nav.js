import { t } from '../lib/i18n.js';
import { scrollBehavior } from '../lib/media.js';
import { html, useEffect, useRef, useSignal } from '../lib/preact.js';
import { sections } from './state/menu.js';

/** @param {number} id */
export function sectionId(id) {
  return `category-${id}`;
}

/** The categories, always visible. The current one is marked. */
export function CategoryNav() {
  const current = useSignal(0);
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const ids = sections.value.map(({ id }) => id).join();

  useEffect(() => {
    const mark = () => {
      // The last section that starts above or in the upper third of the window; at the end of the page, the last one.
      const line = innerHeight / 3;
      const isAtEnd = scrollY > 0 && innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
      const all = sections.peek();
      const passed = all.filter(({ id }) => (document.getElementById(sectionId(id))?.getBoundingClientRect().top ?? Infinity) <= line);
      current.value = (isAtEnd ? all.at(-1) : (passed.at(-1) ?? all[0]))?.id ?? 0;
    };
    mark();
    addEventListener('scroll', mark, { passive: true });
    return () => removeEventListener('scroll', mark);
  }, [ids]);

  useEffect(() => {
    const marked = list.current?.querySelector('[aria-current]');
    const strip = list.current;
    if (!marked || !strip || strip.scrollWidth <= strip.clientWidth) return;
    const { left, right } = marked.getBoundingClientRect();
    strip.scrollBy({ left: (left + right) / 2 - innerWidth / 2, behavior: scrollBehavior() });
  }, [current.value]);

  /** @param {number} id */
  const go = (id) => {
    const heading = document.getElementById(sectionId(id))?.querySelector('h2');
    heading?.focus({ preventScroll: true });
    // Do not animate a long distance: slow tablets show blank areas meanwhile.
    const isFar = Math.abs(heading?.getBoundingClientRect().top ?? 0) > 2 * innerHeight;
    heading?.scrollIntoView({ block: 'start', behavior: isFar ? 'auto' : scrollBehavior() });
  };

  return html`<nav class="categories" aria-label=${t('menu.categories')} ref=${list}>
    ${sections.value.map(({ id, name }) => html`<button type="button" key=${id} class="category"
      aria-current=${current.value === id ? 'true' : undefined} onClick=${() => go(id)}>${name || t('menu.rest')}</button>`)}
  </nav>`;
}
