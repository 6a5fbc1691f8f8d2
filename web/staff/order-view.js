import { t } from '../lib/i18n.js';
import { shortNumber } from '../lib/order-number.js';
import { html, useEffect, useLayoutEffect, useRef, useSignal } from '../lib/preact.js';
import { useAction } from '../ui/action.js';
import { Button } from '../ui/button.js';
import { Money } from '../ui/money.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { CancelForm } from './cancel-form.js';
import { forgetCancellation, ours, reasons } from './cancellation.js';
import { GoneOrder } from './gone-order.js';
import { useKeptFocus } from './kept-focus.js';
import { recentTime } from './recent-time.js';
import { explain, request } from './state/account.js';
import { cancelled } from './state/board.js';
import { NEXT } from './state/status.js';

/**
 * An order. When it is no longer live, it keeps its place and height.
 *
 * @param {{ order: import('wire').Order, isOld: boolean, isGone: boolean, onChanged: () => void }} props
 */
export function OrderView({ order, isOld, isGone, onChanged }) {
  const isCancelling = useSignal(reasons.has(order.id));
  const own = ours.value.get(order.id);
  const wasCancelled = useRef(false);
  const reason = useSignal(reasons.get(order.id) ?? '');
  const card = useRef(/** @type {HTMLElement | null} */ (null));
  const height = useRef(0);
  useKeptFocus(card);
  const { id, status, created_at, items, note, total_amount } = order;
  const number = shortNumber(order);
  const next = NEXT[status];
  // When the order is restored, it is removed from `cancelled` before the list is read again.
  wasCancelled.current = isGone && (wasCancelled.current || cancelled.value.has(id));
  useLayoutEffect(() => {
    const { current } = card;
    if (!current) return;
    if (!isGone) height.current = current.getBoundingClientRect().height;
    current.style.minHeight = isGone ? `${height.current}px` : '';
  });
  useLayoutEffect(() => {
    if (!isGone) {
      forgetCancellation(id);
      return undefined;
    }
    isCancelling.value = false;
    return () => {
      reason.value = '';
    };
  }, [isGone]);
  useEffect(() => () => {
    if (isCancelling.value && !ours.peek().has(id) && reason.value) reasons.set(id, reason.value);
    else reasons.delete(id);
  }, []);
  const stopCancelling = () => {
    isCancelling.value = false;
    reason.value = '';
  };
  const { isBusy, failure, run: step } = useAction(() => request('PATCH', `/admin/orders/${id}/status`, { status: next }).finally(onChanged), explain);
  return html`<article ref=${card} class=${isGone ? 'order gone' : 'order'}>
    <header class="order-head">
      <h3>${t('orders.number', { number })}</h3>
      <time class="muted" datetime=${created_at}>${recentTime(created_at)}</time>
      ${isOld && html`<p class="tag danger">${t('staff.old_party')}</p>`}
      ${!isGone && html`<p class=${`tag status ${status}`}>${t(`staff.status.${status}`)}</p>`}
    </header>
    <ul class="order-lines">
      ${items.map((item) => html`<li key=${item.id}><span>${item.menu_name}</span><strong>×${item.quantity}</strong><${Money} amount=${item.subtotal} /></li>`)}
    </ul>
    ${note && html`<p class="order-note">${t('orders.note', { note })}</p>`}
    <p class="order-total"><${Money} amount=${total_amount} /></p>
    ${actions()}
    ${!isGone && failure && html`<p class="alert" role="alert">${failure}</p>`}
  </article>`;

  function actions() {
    // The bill of a completed session is final: an order that was cancelled before is not added to it.
    const canUndo = own !== undefined && (own.wasOld || !isOld);
    if (isGone) return html`<${GoneOrder} id=${id} text=${farewell()} reason=${own ? '' : reason.value} canUndo=${canUndo} onChanged=${onChanged} />`;
    if (isCancelling.value) {
      return html`<${CancelForm} order=${order} isOld=${isOld} reason=${reason} onClose=${stopCancelling} onChanged=${onChanged} />`;
    }
    return html`<div class="actions places">
      <${Button} onPress=${() => (isCancelling.value = true)}>${t('staff.cancel')}<//>
      ${next && html`<${Button} key=${next} kind="primary" guard=${SECOND_TAP} isBusy=${isBusy} onPress=${step}>${t(`staff.to.${next}`)}<//>`}
    </div>`;
  }

  function farewell() {
    if (own) return t('staff.cancelled', { number });
    return t(wasCancelled.current ? 'staff.order.gone' : 'staff.order.ended');
  }
}
