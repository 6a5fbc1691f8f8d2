// Numbers that people type.

/**
 * The text with plain digits: keyboards for Korean and Japanese also type full-width ones. Spaces and separators of thousands
 * do not count.
 *
 * @param {string} text
 */
export function plainNumber(text) {
  return text.normalize('NFKC').replace(/[\s,]/g, '');
}
