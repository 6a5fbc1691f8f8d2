import { t } from '../lib/i18n.js';
import { shortNumber } from '../lib/order-number.js';
import { html } from '../lib/preact.js';
import { open } from '../lib/view.js';
import { Money } from '../ui/money.js';
import { recentTimeOrDay } from './recent-time.js';
import { unseen } from './state/board.js';

/** @param {{ table: import('./state/board.js').Table }} props */
export function TableCard({ table }) {
  if (table.isDeleted) return html`<p class="table free muted">${t('staff.deleted', { number: table.table_number })}</p>`;
  const { id, table_number, is_active, started_at, total_amount, pending_count, carried_over_count, latest_orders } = table;
  const isNew = unseen.value.some((one) => one.table === id);
  // `latest_orders` has only the three newest orders.
  const hasNote = latest_orders.some(({ note, status }) => note && status !== 'completed');
  const kind = isNew ? 'new' : is_active ? 'active' : 'free';
  return html`<article class=${`table ${kind}`}>
    <header class="table-head">
      <h2><button type="button" class="card-open" onClick=${() => open('table', id)}>${t('app.table', { number: table_number })}</button></h2>
      ${isNew && html`<p class="tag fresh">${t('staff.new')}</p>`}
      ${started_at && html`<time class="muted" datetime=${started_at}>${recentTimeOrDay(started_at)}</time>`}
    </header>
    ${is_active
      ? html`<p class="table-total"><${Money} amount=${total_amount} />
          ${pending_count > 0 && html`<span class="tag warning">${t('staff.pending', { count: pending_count })}</span>`}</p>`
      : html`<p class="muted">${t('staff.free')}</p>`}
    <p class="table-tags">${hasNote && html`<span class="tag warning">${t('staff.note')}</span>`}
      ${carried_over_count > 0 && html`<span class="tag danger">${t('staff.carried_over', { count: carried_over_count })}</span>`}</p>
    <ul class="latest">
      ${latest_orders.map((order) => html`<li key=${order.id}>
        <span class="latest-number">${shortNumber(order)}</span>
        <span class="latest-items">${order.items.map((item) => `${item.menu_name} ${item.quantity}`).join(', ')}</span>
        <span class=${`tag status ${order.status}`}>${t(`staff.status.${order.status}`)}</span>
      </li>`)}
    </ul>
  </article>`;
}
