import { t } from '../lib/i18n.js';
import { html, useLayoutEffect, useRef } from '../lib/preact.js';
import { open } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Money } from '../ui/money.js';
import { Empty, Failure, Loading } from '../ui/states.js';
import { OldOrders } from './old-orders.js';
import { OrderView } from './order-view.js';
import { Outdated } from './outdated.js';
import { markSeen, unseen } from './state/board.js';
import { useLiveOrders } from './state/live-orders.js';
import { usePlaces } from './state/places.js';

/** The orders of a table. @param {{ table: import('./state/board.js').Table, onClose: () => void }} props */
export function TableDialog({ table, onClose }) {
  const { orders, isPart, wasUnseen, error, reload } = useLiveOrders(table.id);
  const { shown, waiting, showWaiting } = usePlaces(orders, isPart);
  const top = useRef(/** @type {HTMLElement | null} */ (null));
  const isSeen = seenBy(table.id, orders, wasUnseen, waiting);
  const hasSeen = unseen.value.some(isSeen);
  // Orders of an open table are marked as seen when they are drawn, because the dialog may be closed right after.
  useLayoutEffect(() => {
    if (hasSeen && document.visibilityState === 'visible') markSeen(isSeen);
  }, [orders, hasSeen]);
  const show = () => {
    showWaiting();
    top.current?.parentElement?.scrollTo(0, 0);
  };
  const beside = html`<div class="beside" role="status">
    ${waiting.length > 0 && html`<${Button} kind="primary" onPress=${show}>${t('staff.waiting', { count: waiting.length })}<//>`}
  </div>`;
  const old = (orders ?? []).filter(({ session_id, status }) => session_id !== table.session_id && status !== 'completed');
  const footer = html`<${Outdated} hasFailed=${orders && error} onRetry=${reload} />
    <${OldOrders} orders=${old} isCertain=${old.length <= table.carried_over_count} onChanged=${reload} />
    <p class="total">${summary()}</p>
    <div class="actions places">
      <${Button} onPress=${() => open('history', table.id)}>${t('staff.history')}<//>
      ${table.is_active && html`<${Button} kind="primary" onPress=${() => open('complete', table.id)}>${t('staff.complete')}<//>`}
    </div>`;
  return html`<${Dialog} class="steady table-dialog" title=${t('app.table', { number: table.table_number })} onClose=${onClose} beside=${beside} footer=${footer}>
    <div class="orders" ref=${top}>${content()}</div>
  <//>`;

  function summary() {
    if (table.isDeleted) return html`<span class="muted">${t('staff.deleted', { number: table.table_number })}</span>`;
    if (!table.is_active) return html`<span class="muted">${t('staff.free')}</span>`;
    return html`<span>${t('cart.total')}</span><${Money} amount=${table.total_amount} />`;
  }

  function content() {
    if (!orders) return error ? html`<${Failure} title=${t('orders.failed')} error=${error} onRetry=${reload} />` : html`<${Loading} />`;
    if (shown.length === 0) return html`<${Empty} title=${t('orders.empty')} />`;
    return shown.map(({ order, isGone }) => html`<${OrderView} key=${order.id} order=${order} isGone=${isGone} isOld=${order.session_id !== table.session_id} onChanged=${reload} />`);
  }
}

/**
 * Which unseen orders are seen: those that are shown, and those that are no longer live.
 *
 * @param {number} table
 * @param {import('wire').Order[] | null} orders
 * @param {Set<number>} wasUnseen
 * @param {import('wire').Order[]} waiting
 */
function seenBy(table, orders, wasUnseen, waiting) {
  const read = new Set([...wasUnseen, ...(orders ?? []).map(({ id }) => id)]);
  return (/** @type {{ order: number, table: number }} */ one) =>
    orders !== null && one.table === table && read.has(one.order) && !waiting.some(({ id }) => id === one.order);
}
