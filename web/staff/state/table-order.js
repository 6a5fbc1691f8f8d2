// The order of the tables. While the page is in use, each table keeps its place, so that no card moves before a tap.

/** @typedef {import('wire').DashboardTable & { isDeleted?: boolean }} Table */

/**
 * Keeps each table at its place. New tables are last. A deleted table leaves its place empty.
 *
 * @param {Table[]} before
 * @param {Table[]} now
 * @returns {Table[]}
 */
export function keepTableOrder(before, now) {
  const present = new Map(now.map((table) => [table.id, table]));
  const known = new Set(before.map(({ id }) => id));
  return [
    ...before.map((table) => present.get(table.id) ?? { ...table, isDeleted: true, is_active: false, pending_count: 0, carried_over_count: 0 }),
    ...now.filter(({ id }) => !known.has(id)),
  ];
}
