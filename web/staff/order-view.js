import { asApiError } from '../lib/api.js';
import { language, t } from '../lib/i18n.js';
import { html, useLayoutEffect, useRef, useSignal } from '../lib/preact.js';
import { clockTime } from '../lib/time.js';
import { Button } from '../ui/button.js';
import { Money } from '../ui/money.js';
import { CancelForm } from './cancel-form.js';
import { GoneOrder } from './gone-order.js';
import { request } from './state/account.js';
import { cancelled } from './state/board.js';
import { NEXT } from './state/status.js';

/**
 * An order, which stays at its place with its height when it is no longer live.
 *
 * @param {{ order: import('wire').Order, isOld: boolean, isGone: boolean, onChanged: () => void }} props
 */
export function OrderView({ order, isOld, isGone, onChanged }) {
  const isBusy = useSignal(false);
  const isCancelling = useSignal(false);
  const isOurs = useSignal(false);
  const reason = useSignal('');
  const failure = useSignal('');
  const card = useRef(/** @type {HTMLElement | null} */ (null));
  const height = useRef(0);
  const { id, order_number, status, created_at, items, note, total_amount } = order;
  const number = order_number.split('-')[1] ?? order_number;
  const next = NEXT[status];
  useLayoutEffect(() => {
    const { current } = card;
    if (!current) return;
    if (!isGone) height.current = current.getBoundingClientRect().height;
    current.style.minHeight = isGone ? `${height.current}px` : '';
  });
  useLayoutEffect(() => {
    if (isGone) isCancelling.value = false;
    else isOurs.value = false;
    if (!isGone || isOurs.value) reason.value = '';
  }, [isGone]);
  const stopCancelling = () => {
    isCancelling.value = false;
    reason.value = '';
  };
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
  return html`<article ref=${card} class=${isGone ? 'order gone' : 'order'}>
    <header class="order-head">
      <h3>${t('orders.number', { number })}</h3>
      <time class="muted" datetime=${created_at}>${clockTime(created_at, language.value)}</time>
      ${isOld && html`<p class="tag danger">${t('staff.old_party')}</p>`}
      ${!isGone && html`<p class=${`tag status ${status}`}>${t(`staff.status.${status}`)}</p>`}
    </header>
    <ul class="order-lines">
      ${items.map((item) => html`<li key=${item.id}><span>${item.menu_name}</span><strong>×${item.quantity}</strong><${Money} amount=${item.subtotal} /></li>`)}
    </ul>
    ${note && html`<p class="order-note">${t('orders.note', { note })}</p>`}
    <p class="order-total"><${Money} amount=${total_amount} /></p>
    ${actions()}
    ${!isGone && failure.value && html`<p class="alert" role="alert">${failure.value}</p>`}
  </article>`;

  function actions() {
    if (isGone) return html`<${GoneOrder} id=${id} text=${farewell()} reason=${isOurs.value ? '' : reason.value} isOurs=${isOurs.value} onChanged=${onChanged} />`;
    if (isCancelling.value) {
      return html`<${CancelForm} order=${order} reason=${reason} onClose=${stopCancelling} onCancelled=${() => (isOurs.value = true)} onChanged=${onChanged} />`;
    }
    return html`<div class="actions places">
      <${Button} onPress=${() => (isCancelling.value = true)}>${t('staff.cancel')}<//>
      ${next && html`<${Button} key=${next} kind="primary" guard=${500} isBusy=${isBusy.value} onPress=${step}>${t(`staff.to.${next}`)}<//>`}
    </div>`;
  }

  function farewell() {
    if (isOurs.value) return t('staff.cancelled', { number });
    // The orders of a running session are live until they are cancelled; those of an earlier one, until they are finished.
    return isOld && !cancelled.value.has(id) ? t('staff.order.ended') : t('staff.order.gone');
  }
}
