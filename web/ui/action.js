import { asApiError } from './api.js';
import { useSignal } from './preact.js';
import { useFailure } from './reachable.js';

/**
 * Something that a person does with one tap, and that may fail.
 *
 * @param {() => Promise<any>} act resolves to `true` where the button goes away soon, and must do nothing until then
 * @param {(error: import('./api.js').ApiError) => string} [explain]
 * @returns {{ isBusy: boolean, failure: string, run: () => Promise<void> }}
 */
export function useAction(act, explain = ({ text }) => text) {
  const isBusy = useSignal(false);
  const failure = useFailure();
  const run = async () => {
    isBusy.value = true;
    failure.value = null;
    try {
      isBusy.value = (await act()) === true;
    } catch (thrown) {
      failure.value = asApiError(thrown);
      isBusy.value = false;
    }
  };
  return { isBusy: isBusy.value, failure: failure.value ? explain(failure.value) : '', run };
}
