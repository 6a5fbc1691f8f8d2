// On a server without a store, the first page is the set-up. Beside the demo, it is offered.
import { call } from '../lib/api.js';

try {
  /** @type {import('wire').SetupStatus} */
  const { status, has_store: hasStore } = await call('GET', '/setup');
  if (!hasStore) location.replace('/setup');
  const offer = document.getElementById('setup');
  if (offer && status === 'open') offer.hidden = false;
} catch {
  // Without an answer the other pages are offered as usual.
}
