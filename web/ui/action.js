import { asApiError } from '../lib/api.js';
import { useIsLeft } from '../lib/left.js';
import { useSignal } from '../lib/preact.js';
import { useFailure } from '../lib/reachable.js';
import { toast } from './toast.js';

/** Returned by an action whose button disappears afterwards: the button stays disabled. */
export const STAYS_BUSY = Symbol('stays busy');

/**
 * An action of a button, which may fail.
 *
 * @param {() => Promise<any>} act may resolve to `STAYS_BUSY`
 * @param {(error: import('../lib/api.js').ApiError) => string} explain
 * @returns {{ isBusy: boolean, failure: string, run: () => Promise<void> }}
 */
export function useAction(act, explain) {
  const isBusy = useSignal(false);
  const failure = useFailure();
  const isLeft = useIsLeft();
  const run = async () => {
    isBusy.value = true;
    failure.value = null;
    try {
      isBusy.value = (await act()) === STAYS_BUSY;
    } catch (thrown) {
      const error = asApiError(thrown);
      failure.value = error;
      isBusy.value = false;
      if (isLeft.current) toast(explain(error));
    }
  };
  return { isBusy: isBusy.value, failure: failure.value ? explain(failure.value) : '', run };
}
