// The live orders of one table, while a dialog shows them.
import { useEffect, useMemo } from '../../lib/preact.js';
import { Resource } from '../../lib/resource.js';
import { request } from './account.js';
import { changes, unseen } from './board.js';

/**
 * `wasUnseen` has the ids of the orders that were unseen before `orders` were read, so that none of them is newer.
 *
 * @param {number} table
 */
export function useLiveOrders(table) {
  const page = useMemo(
    () =>
      new Resource(async () => {
        const wasUnseen = new Set(unseen.peek().map(({ order }) => order));
        /** @type {import('wire').OrderPage} */
        const { orders, next_cursor } = await request('GET', `/admin/orders?table_id=${table}&limit=200`);
        return { orders, isPart: Boolean(next_cursor), wasUnseen };
      }),
    [table],
  );
  useEffect(() => {
    page.load();
  }, [page, changes.value]);
  useEffect(() => () => page.reset(), [page]);
  const { orders = null, isPart = false, wasUnseen = new Set() } = page.data.value ?? {};
  return { orders, isPart, wasUnseen, error: page.error.value, reload: page.load };
}
