// The places of the tables. Nothing moves under a finger: while the page is in use, each table stays where it is.

/** @typedef {import('wire').DashboardTable & { isDeleted?: boolean }} Table */

/**
 * Keeps each table at its place: a new one comes last, and a deleted one leaves its place empty.
 *
 * @param {Table[]} before
 * @param {Table[]} now
 * @returns {Table[]}
 */
export function keepPlaces(before, now) {
  const present = new Map(now.map((table) => [table.id, table]));
  const known = new Set(before.map(({ id }) => id));
  return [
    ...before.map((table) => present.get(table.id) ?? { ...table, isDeleted: true, is_active: false, pending_count: 0, carried_over_count: 0 }),
    ...now.filter(({ id }) => !known.has(id)),
  ];
}
