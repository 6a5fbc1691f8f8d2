// The live orders of one table, for as long as a dialog shows them.
import { asApiError } from '../../lib/api.js';
import { useEffect, useSignal } from '../../lib/preact.js';
import { request } from './account.js';
import { changes } from './board.js';

/**
 * @param {number} table
 * @returns {{ orders: import('wire').Order[] | null, isPart: boolean, error: import('../../lib/api.js').ApiError | null, reload: () => void }}
 */
export function useLiveOrders(table) {
  const page = useSignal(/** @type {import('wire').OrderPage | null} */ (null));
  const error = useSignal(/** @type {import('../../lib/api.js').ApiError | null} */ (null));
  const tries = useSignal(0);
  useEffect(() => {
    let isLeft = false;
    request('GET', `/admin/orders?table_id=${table}&limit=200`).then(
      (/** @type {any} */ answer) => {
        if (isLeft) return;
        page.value = answer;
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
  return {
    orders: page.value?.orders ?? null,
    isPart: Boolean(page.value?.next_cursor),
    error: error.value,
    reload: () => (tries.value += 1),
  };
}
