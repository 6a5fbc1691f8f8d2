// Numbers typed by users.

/**
 * Converts full-width digits, which Korean and Japanese keyboards can type, and removes spaces and thousands
 * separators.
 *
 * @param {string} text
 */
export function plainNumber(text) {
  return text.normalize('NFKC').replace(/[\s,]/g, '');
}
