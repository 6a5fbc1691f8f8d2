// Which items of the menu are shown.
import { search, sectionsOf } from '../../lib/menu-sections.js';
import { effect, signal } from '../../lib/preact.js';

/** The search text. */
export const query = signal('');

/** The id of the category to show; empty for all. */
export const category = signal('');

export const isSoldOutOnly = signal(false);

/** The items that were shown since `isSoldOutOnly` was set. They stay when they are on sale again, so that no row moves. */
const shownSoldOut = new Set();

effect(() => {
  if (!isSoldOutOnly.value) shownSoldOut.clear();
});

/** @typedef {import('../../lib/menu-sections.js').Section & { count: number }} Section `count` includes the hidden items */

/**
 * The categories with the items that pass the filter. Without a filter, empty categories are included.
 *
 * @param {import('./lists.js').Menu} menu
 * @returns {Section[]}
 */
export function filteredSections(menu) {
  const matches = search(query.value);
  const isFiltered = query.value.trim() !== '' || isSoldOutOnly.value;
  const passes = (/** @type {import('wire').MenuItem} */ { id, name, description, is_available }) => {
    if (isSoldOutOnly.value && !is_available) shownSoldOut.add(id);
    return matches(`${name} ${description ?? ''}`) && !(isSoldOutOnly.value && !shownSoldOut.has(id));
  };
  return sectionsOf(menu).flatMap(({ category: one, items }) => {
    if (category.value && String(one?.id) !== category.value) return [];
    const shown = items.filter(passes);
    return shown.length > 0 || (one && !isFiltered) ? [{ category: one, count: items.length, items: shown }] : [];
  });
}

/** Shows everything again. */
export function clearFilter() {
  query.value = '';
  category.value = '';
  isSoldOutOnly.value = false;
}
