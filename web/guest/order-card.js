import { language, t } from '../lib/i18n.js';
import { shortNumber } from '../lib/order-number.js';
import { html } from '../lib/preact.js';
import { clockTime } from '../lib/time.js';
import { Money } from '../ui/money.js';
import { statusOf } from './state/orders.js';

/** @param {{ order: import('./state/orders.js').Order }} props */
export function OrderCard({ order }) {
  const { created_at, items, note, total_amount } = order;
  const status = statusOf(order);
  return html`<article class=${`order ${status}`}>
    <header class="order-head">
      <h3>${t('orders.number', { number: shortNumber(order) })}</h3>
      <time class="muted" datetime=${created_at}>${clockTime(created_at, language.value)}</time>
      <p class=${`tag status ${status}`}>${t(`status.${status}`)}</p>
    </header>
    <ul class="order-lines">
      ${items.map((item) => html`<li key=${item.id}>
        <span>${item.menu_name}</span><span class="muted">×${item.quantity}</span><${Money} amount=${item.subtotal} />
      </li>`)}
    </ul>
    ${note && html`<p class="muted">${t('orders.note', { note })}</p>`}
    <p class="order-total"><${Money} amount=${total_amount} /></p>
  </article>`;
}
