// Which tables are shown.
import { isUnused } from '../../lib/idle.js';
import { useRef } from '../../lib/preact.js';

/** @typedef {import('./table-order.js').Table} Table */

export const FILTERS = ['all', 'active', 'pending'];

/**
 * @param {Table} table
 * @param {string} filter
 */
export function passes(table, filter) {
  if (filter === 'active') return table.is_active;
  if (filter === 'pending') return table.pending_count + table.carried_over_count > 0;
  return true;
}

/**
 * The tables that pass a filter. While the page is in use, a table that no longer passes stays, and one that newly
 * passes is last.
 *
 * @param {Table[]} tables
 * @param {{ filter: string }} choice a new object for each choice
 * @returns {Table[]}
 */
export function useFiltered(tables, choice) {
  const before = useRef({ choice, ids: /** @type {number[]} */ ([]) });
  const passing = tables.filter((table) => passes(table, choice.filter)).map(({ id }) => id);
  const kept = before.current.choice === choice && !isUnused() ? before.current.ids : [];
  const ids = [...new Set([...kept, ...passing])];
  before.current = { choice, ids };
  const byId = new Map(tables.map((table) => [table.id, table]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}
