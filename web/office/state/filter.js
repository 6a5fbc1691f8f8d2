// Which items of the menu are shown.
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

/** @typedef {{ category: import('wire').Category | null, count: number, items: import('wire').MenuItem[] }} Section */

/**
 * The categories with the items that pass the filter. Without a filter, empty categories are included.
 *
 * @param {import('./lists.js').Menu} menu
 * @returns {Section[]}
 */
export function sectionsOf({ categories, items }) {
  const words = query.value.normalize().toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const isFiltered = words.length > 0 || isSoldOutOnly.value;
  const passes = (/** @type {import('wire').MenuItem} */ { id, name, description, is_available }) => {
    if (isSoldOutOnly.value && !is_available) shownSoldOut.add(id);
    const text = `${name} ${description ?? ''}`.normalize().toLocaleLowerCase();
    return words.every((word) => text.includes(word)) && !(isSoldOutOnly.value && !shownSoldOut.has(id));
  };
  const known = new Set(categories.map(({ id }) => id));
  /** @type {Map<number, import('wire').MenuItem[]>} */
  const byCategory = new Map();
  // The two responses may have different menu versions: do not lose an item of a new category.
  for (const item of items) {
    const id = known.has(item.category_id) ? item.category_id : 0;
    const list = byCategory.get(id);
    if (list) list.push(item);
    else byCategory.set(id, [item]);
  }
  return [...categories, null].flatMap((one) => {
    if (category.value && String(one?.id) !== category.value) return [];
    const own = byCategory.get(one?.id ?? 0) ?? [];
    const shown = own.filter(passes);
    return shown.length > 0 || (one && !isFiltered) ? [{ category: one, count: own.length, items: shown }] : [];
  });
}

/** Shows everything again. */
export function clearFilter() {
  query.value = '';
  category.value = '';
  isSoldOutOnly.value = false;
}
