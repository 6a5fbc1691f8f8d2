// The live orders of one table, for as long as a dialog shows them.
import { asApiError } from '../../lib/api.js';
import { useEffect, useSignal } from '../../lib/preact.js';
import { request } from './account.js';
import { changes } from './board.js';

/**
 * @param {number} table
 * @returns {{ orders: import('wire').Order[] | null, error: import('../../lib/api.js').ApiError | null, reload: () => void }}
 */
export function useLiveOrders(table) {
  const orders = useSignal(/** @type {import('wire').Order[] | null} */ (null));
  const error = useSignal(/** @type {import('../../lib/api.js').ApiError | null} */ (null));
  const tries = useSignal(0);
  useEffect(() => {
    let isLeft = false;
    request('GET', `/admin/orders?table_id=${table}&limit=200`).then(
      (/** @type {any} */ page) => {
        if (isLeft) return;
        orders.value = page.orders;
        error.value = null;
      },
      (thrown) => {
        if (!isLeft) error.value = asApiError(thrown);
      },
    );
    return () => {
      isLeft = true;
    };
  }, [table, changes.value, tries.value]);
  return { orders: orders.value, error: error.value, reload: () => (tries.value += 1) };
}
