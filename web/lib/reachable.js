// Detects when the server responds again.
import { useEffect, useSignal } from './preact.js';

const EVERY = 5_000;

async function answers() {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), EVERY);
  try {
    const { status } = await fetch(location.pathname, { method: 'HEAD', cache: 'no-store', credentials: 'omit', signal: abort.signal });
    return status < 500;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Calls `act` when the server responds.
 *
 * @param {() => void} act
 * @returns {() => void} cancels it
 */
function whenReachable(act) {
  let isOver = false;
  let timer = setTimeout(probe, EVERY);
  async function probe() {
    clearTimeout(timer);
    const isReached = await answers();
    if (isOver) return;
    clearTimeout(timer);
    if (!isReached) {
      timer = setTimeout(probe, EVERY);
      return;
    }
    cancel();
    act();
  }
  function cancel() {
    isOver = true;
    clearTimeout(timer);
    removeEventListener('online', probe);
  }
  addEventListener('online', probe);
  return cancel;
}

/**
 * If `error` is a missing response, calls `act` when the server responds.
 *
 * @param {import('./api.js').ApiError | null} error
 * @param {() => void} act
 */
export function useReachable(error, act) {
  useEffect(() => (error?.status === 0 ? whenReachable(act) : undefined), [error]);
}

/** The error of the last request. A missing response is cleared when the server responds again. */
export function useFailure() {
  const failure = useSignal(/** @type {import('./api.js').ApiError | null} */ (null));
  useReachable(failure.value, () => {
    failure.value = null;
  });
  return failure;
}
