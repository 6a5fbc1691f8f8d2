// Adds many tables, one request after another: the API adds one at a time.
import { asApiError } from '../../lib/api.js';
import { plainNumber } from '../../lib/number.js';
import { backoff } from '../../lib/random.js';
import { request } from './account.js';

/** The default limit of a store's tables. */
export const MOST = 300;

const TRIES = 4;

/**
 * Parses a table number; 0 if the text is not a valid one.
 *
 * @param {string} text
 */
export function toTableNumber(text) {
  const digits = plainNumber(text);
  const number = /^\d{1,6}$/.test(digits) ? Number(digits) : 0;
  return number <= 100_000 ? number : 0;
}

/**
 * The numbers to add, and the count of those that exist already.
 *
 * @param {string} from
 * @param {string} to
 * @param {import('wire').Table[]} tables
 */
export function planned(from, to, tables) {
  const [first, last] = [toTableNumber(from), toTableNumber(to)];
  const length = first && last >= first ? last - first + 1 : 0;
  const known = new Set(tables.map(({ table_number }) => table_number));
  const all = length <= MOST ? Array.from({ length }, (_, index) => first + index) : [];
  const numbers = all.filter((number) => !known.has(number));
  return { length, numbers, existing: all.length - numbers.length };
}

/**
 * Adds a table. If the first attempt had no response, `DUPLICATE` for the second one means that the table was added.
 *
 * @param {number} number
 * @param {string} password
 */
export async function addTable(number, password) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await request('POST', '/admin/tables', { table_number: number, password });
    } catch (thrown) {
      const error = asApiError(thrown);
      if (error.code === 'DUPLICATE' && tries > 1) return;
      if (!error.isTemporary || tries >= TRIES) throw error;
      const pause = Math.max(backoff(tries, 500, 4_000), error.retryAfter);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
