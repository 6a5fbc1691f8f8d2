// The items of the menu by category, and the search in them.

/** @typedef {{ category: import('wire').Category | null, items: import('wire').MenuItem[] }} Section */

/**
 * The categories with their items. The last section, without a category, has the items of unknown categories: the two
 * responses may have different menu versions.
 *
 * @param {{ categories: import('wire').Category[], items: import('wire').MenuItem[] }} menu
 * @returns {Section[]}
 */
export function sectionsOf({ categories, items }) {
  const known = new Set(categories.map(({ id }) => id));
  /** @type {Map<number, import('wire').MenuItem[]>} */
  const byCategory = new Map();
  for (const item of items) {
    const id = known.has(item.category_id) ? item.category_id : 0;
    const list = byCategory.get(id);
    if (list) list.push(item);
    else byCategory.set(id, [item]);
  }
  return [...categories, null].map((category) => ({ category, items: byCategory.get(category?.id ?? 0) ?? [] }));
}

/**
 * @param {string} query
 * @returns {(text: string) => boolean} whether a text contains all words of the query
 */
export function search(query) {
  const plain = (/** @type {string} */ text) => text.normalize().toLocaleLowerCase();
  const words = plain(query).split(/\s+/).filter(Boolean);
  return (text) => words.every((word) => plain(text).includes(word));
}
