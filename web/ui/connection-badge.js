import { t } from '../lib/i18n.js';
import { html, useEffect, useSignal } from '../lib/preact.js';

/**
 * Shows the state of the connection in words and colour.
 *
 * @param {{ stream: import('../lib/stream.js').EventStream }} props
 */
export function ConnectionBadge({ stream }) {
  const state = stream.state.value;
  const now = useSignal(Date.now());
  useEffect(() => {
    if (state === 'live') return undefined;
    now.value = Date.now();
    const timer = setInterval(() => {
      now.value = Date.now();
    }, 15_000);
    return () => clearInterval(timer);
  }, [state]);
  const heard = stream.heardAt.peek();
  const minutes = state === 'live' || !heard ? 0 : Math.floor((now.value - heard) / 60_000);
  return html`<p class=${`badge ${state}`} role="status">
    <span class="badge-dot" aria-hidden="true"></span>
    <span class="badge-text">${t(`badge.${state}`)}${minutes > 0 && ` · ${t('badge.age', { minutes })}`}</span>
  </p>`;
}
