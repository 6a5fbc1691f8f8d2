// The shown rows of the menu. While the page is in use, each row keeps its place, so that none moves before a tap.
import { isUnused, UNUSED_FOR, whenIdle } from '../../lib/idle.js';
import { useEffect, useRef, useSignal } from '../../lib/preact.js';
import { view } from '../../lib/view.js';
import { category, filteredSections, isSoldOutOnly, query } from './filter.js';

/** @typedef {import('./filter.js').Section} Section */

/**
 * The sections with their current values. Rows that other users add, delete or move change places only when the filter
 * changes, behind a dialog, or after a time without input.
 *
 * @param {import('./lists.js').Menu} menu
 * @returns {Section[]}
 */
export function useSections(menu) {
  const shown = useRef({ choice: '', sections: /** @type {Section[]} */ ([]) });
  const unused = useSignal(0);
  const dialog = view.value.id;
  // The dialog is included, so that the rows also follow the user's own change that closes a dialog.
  const choice = JSON.stringify([query.value, category.value, isSoldOutOnly.value, dialog, unused.value]);
  const mayMove = dialog !== '' || choice !== shown.current.choice || shown.current.sections.length === 0 || isUnused();
  const sections = mayMove ? filteredSections(menu) : updated(shown.current.sections, menu);
  shown.current = { choice, sections };
  useEffect(() => (mayMove ? undefined : whenIdle(UNUSED_FOR, () => {
    unused.value += 1;
  })));
  return sections;
}

/**
 * The same rows with their current values. Deleted ones keep their last values.
 *
 * @param {Section[]} sections
 * @param {import('./lists.js').Menu} menu
 */
function updated(sections, { categories, items }) {
  const itemById = new Map(items.map((item) => [item.id, item]));
  const categoryById = new Map(categories.map((one) => [one.id, one]));
  return sections.map((section) => {
    const id = section.category?.id;
    const now = id === undefined ? null : categoryById.get(id);
    return {
      category: now ?? section.category,
      isDeleted: now === undefined,
      count: items.filter((item) => (id === undefined ? !categoryById.has(item.category_id) : item.category_id === id)).length,
      items: section.items.map((item) => itemById.get(item.id) ?? { ...item, isDeleted: true }),
    };
  });
}
