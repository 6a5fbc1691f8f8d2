// Keeps the screen on. Browsers permit it only over HTTPS, and may refuse it, for example when the battery is low.
import { signal } from './preact.js';

/** Whether the screen may turn off by itself. */
export const maySleep = signal(!navigator.wakeLock);

/** Keeps the screen on while the page is visible. */
export function keepAwake() {
  request();
  // The browser releases the lock when the page is hidden.
  document.addEventListener('visibilitychange', request);
}

async function request() {
  if (!navigator.wakeLock || document.visibilityState === 'hidden') return;
  try {
    const lock = await navigator.wakeLock.request('screen');
    maySleep.value = false;
    lock.addEventListener('release', () => {
      // The page requests it again when it is shown again.
      if (document.visibilityState === 'visible') maySleep.value = true;
    });
  } catch {
    maySleep.value = true;
  }
}
