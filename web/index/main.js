// On a server without a store, the start page leads to the set-up. If there is only the demo store, it shows a link.
import { call } from '../lib/api.js';

try {
  /** @type {import('wire').SetupStatus} */
  const { status, has_store: hasStore } = await call('GET', '/setup');
  if (!hasStore) location.replace('/setup');
  const offer = document.getElementById('setup');
  if (offer && status === 'open') offer.hidden = false;
} catch {
  // Without a response, the page shows the links to the other pages.
}
