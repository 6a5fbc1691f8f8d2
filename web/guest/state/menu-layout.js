// The order of the menu's categories and items.

/** @typedef {{ id: number, name: string, items: number[] }} Section */

/**
 * The categories that have items, with the ids of these.
 *
 * @param {{ categories: import('wire').Category[], items: import('wire').MenuItem[] }} menu
 * @returns {Section[]}
 */
export function arrange({ categories, items: all }) {
  const known = new Set(categories.map(({ id }) => id));
  const of = (/** @type {number} */ id) => all.filter((item) => item.category_id === id).map((item) => item.id);
  const arranged = categories.map(({ id, name }) => ({ id, name, items: of(id) }));
  // The two responses may have different menu versions: do not lose an item of a new category.
  const rest = all.filter((item) => !known.has(item.category_id)).map((item) => item.id);
  return [...arranged, { id: 0, name: '', items: rest }].filter((section) => section.items.length > 0);
}

/**
 * The new order of items. Items that are missing in it keep their old places.
 *
 * @param {Section[]} old
 * @param {Section[]} next
 */
export function keepMissingItems(old, next) {
  const placed = new Set(next.flatMap((section) => section.items));
  const merged = next.map((section) => ({ ...section, items: [...section.items] }));
  old.forEach((section, index) => {
    const gone = section.items.filter((id) => !placed.has(id));
    if (gone.length === 0) return;
    let target = merged.find(({ id }) => id === section.id);
    if (!target) {
      target = { ...section, items: [] };
      merged.splice(Math.min(index, merged.length), 0, target);
    }
    for (const id of gone) target.items.splice(section.items.indexOf(id), 0, id);
  });
  return merged;
}
