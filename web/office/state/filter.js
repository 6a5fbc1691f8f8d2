// Which items of the menu are shown.
import { search, sectionsOf } from '../../lib/menu-sections.js';
import { signal } from '../../lib/preact.js';

/** The search text. */
export const query = signal('');

/** The id of the category to show; empty for all. */
export const category = signal('');

export const isSoldOutOnly = signal(false);

/** @typedef {import('wire').MenuItem & { isDeleted?: boolean }} ShownItem */

/** @typedef {{ category: import('wire').Category | null, isDeleted?: boolean, count: number, items: ShownItem[] }} Section */

/**
 * The categories with the items that pass the filter. Without a filter, empty categories are included.
 *
 * @param {import('./lists.js').Menu} menu
 * @returns {Section[]}
 */
export function filteredSections(menu) {
  const matches = search(query.value);
  const isFiltered = query.value.trim() !== '' || isSoldOutOnly.value;
  const passes = (/** @type {import('wire').MenuItem} */ { name, description, is_available }) =>
    matches(`${name} ${description ?? ''}`) && !(isSoldOutOnly.value && is_available);
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
