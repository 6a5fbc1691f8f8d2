import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { money } from '../ui/money.js';

/**
 * The name and price of a line that have changed since the guest saw them, before and now.
 *
 * @param {{ view: import('./state/cart.js').CartView }} props
 */
export function Change({ view: { line, name, price } }) {
  const changes = [];
  if (name !== line.name) changes.push({ was: line.name, now: name });
  if (price !== line.price) changes.push({ was: money(line.price), now: money(price) });
  return html`<div class="change">
    <p class="tag warning">${t('cart.changed')}</p>
    ${changes.map(({ was, now }) => html`<p key=${now}><s>${t('cart.was', { value: was })}</s> <strong>${t('cart.now', { value: now })}</strong></p>`)}
  </div>`;
}
