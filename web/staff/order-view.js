import { asApiError } from '../lib/api.js';
import { language, t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { clockTime } from '../lib/time.js';
import { Button } from '../ui/button.js';
import { Money } from '../ui/money.js';
import { CancelForm } from './cancel-form.js';
import { request } from './state/account.js';

/** What comes after each status. @type {Record<string, import('wire').OrderStatus>} */
const NEXT = { pending: 'preparing', preparing: 'completed' };

/** @param {{ order: import('wire').Order, isOld: boolean, onChanged: () => void }} props */
export function OrderView({ order, isOld, onChanged }) {
  const isBusy = useSignal(false);
  const isCancelling = useSignal(false);
  const failure = useSignal('');
  const { id, order_number, status, created_at, items, note, total_amount } = order;
  const next = NEXT[status];
  const step = async () => {
    isBusy.value = true;
    failure.value = '';
    try {
      await request('PATCH', `/admin/orders/${id}/status`, { status: next });
    } catch (error) {
      failure.value = asApiError(error).text;
    } finally {
      isBusy.value = false;
      onChanged();
    }
  };
  return html`<article class="order">
    <header class="order-head">
      <h3>${t('orders.number', { number: order_number.split('-')[1] ?? order_number })}</h3>
      <time class="muted" datetime=${created_at}>${clockTime(created_at, language.value)}</time>
      ${isOld && html`<p class="tag danger">${t('staff.old_party')}</p>`}
      <p class=${`tag status ${status}`}>${t(`status.${status}`)}</p>
    </header>
    <ul class="order-lines">
      ${items.map((item) => html`<li key=${item.id}><span>${item.menu_name}</span><strong>×${item.quantity}</strong><${Money} amount=${item.subtotal} /></li>`)}
    </ul>
    ${note && html`<p class="order-note">${t('orders.note', { note })}</p>`}
    <p class="order-total"><${Money} amount=${total_amount} /></p>
    ${failure.value && html`<p class="alert" role="alert">${failure.value}</p>`}
    ${isCancelling.value
      ? html`<${CancelForm} order=${order} onClose=${() => (isCancelling.value = false)} onChanged=${onChanged} />`
      : html`<div class="actions">
          <${Button} onPress=${() => (isCancelling.value = true)}>${t('staff.cancel')}<//>
          ${next && html`<${Button} key=${next} kind="primary" guard=${500} isBusy=${isBusy.value} onPress=${step}>${t(`staff.to.${next}`)}<//>`}
        </div>`}
  </article>`;
}
