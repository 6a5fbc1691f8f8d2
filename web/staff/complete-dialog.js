import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { useIsLeft } from '../lib/left.js';
import { shortNumber } from '../lib/order-number.js';
import { html, useEffect, useLayoutEffect, useRef, useSignal } from '../lib/preact.js';
import { STAYS_BUSY, useAction } from '../ui/action.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Money, money } from '../ui/money.js';
import { Failure, Loading } from '../ui/states.js';
import { useKeptFocus } from './kept-focus.js';
import { Outdated } from './outdated.js';
import { explain, request } from './state/account.js';
import { failure as tablesFailure, refresh, tables } from './state/board.js';
import { useLiveOrders } from './state/live-orders.js';
import { offerUndo } from './undo-bar.js';

/**
 * Completes the session that was current when the dialog opened. The totals are read when it opens, and include orders
 * that arrive later.
 *
 * @param {{ table: import('wire').DashboardTable, onClose: () => void, onDone: () => void }} props
 */
export function CompleteDialog({ table, onClose, onDone }) {
  const session = useSignal(table.session_id);
  const first = useSignal(table.order_count);
  const { orders, error, reload } = useLiveOrders(table.id);
  const before = useSignal(tables.peek());
  useLayoutEffect(() => {
    before.value = tables.peek();
    refresh();
  }, []);
  const isRead = orders && tables.value !== before.value;
  const unread = error ?? tablesFailure.value;
  const readAgain = () => {
    reload();
    refresh();
  };
  const isGone = table.session_id !== session.value || !table.is_active;
  /** Whether a completion was sent and its response lost. */
  const isUnanswered = useSignal(false);
  const isLeft = useIsLeft();
  const unfinished = (orders ?? []).filter((order) => order.session_id === session.value && order.status !== 'completed');
  const { isBusy, failure, run: complete } = useAction(async () => {
    try {
      /** @type {import('wire').CompletedTable} */
      const done = await request('POST', `/admin/tables/${table.id}/complete`, { session_id: session.value });
      offerReopening(done.total_amount, table.total_amount);
    } catch (thrown) {
      isUnanswered.value ||= asApiError(thrown).mayBeDone;
      throw thrown;
    }
    // With the browser's back button, another dialog may have been opened meanwhile.
    if (!isLeft.current) onDone();
    refresh();
    return STAYS_BUSY;
  }, explain);
  const offerReopening = (/** @type {number} */ total, /** @type {number} */ confirmed = total) => {
    const id = session.peek();
    const text = t('staff.completed', { number: table.table_number, total: money(total) });
    const warning = total === confirmed ? '' : t('staff.completed.changed', { from: money(confirmed), to: money(total) });
    offerUndo(`session-${id}`, text, () => request('POST', `/admin/sessions/${id}/reopen`), warning);
  };
  const total = useRef(table.total_amount);
  if (!isGone) total.current = table.total_amount;
  useEffect(() => {
    if (!isGone || !isUnanswered.value) return;
    offerReopening(total.current);
    onDone();
  }, [isGone, isUnanswered.value]);
  const actions = useRef(/** @type {HTMLElement | null} */ (null));
  useKeptFocus(actions);
  const footer = html`<div class="actions places" ref=${actions}>
    <${Button} isDisabled=${isBusy} onPress=${onClose}>${t('cancel')}<//>
    ${!isGone && isRead && html`<${Button} key=${table.order_count} kind="primary" guard=${800} isBusy=${isBusy} onPress=${complete}>${t('staff.complete')}<//>`}
  </div>`;
  return html`<${Dialog} class="steady" title=${t('staff.complete.title', { number: table.table_number })} mayClose=${() => !isBusy} onClose=${onClose} footer=${footer}>
    ${isGone && !isBusy && html`<p class="alert" role="alert">${t('staff.complete.gone')}</p>`}
    ${table.order_count > first.value && html`<p class="notice" role="alert">${t('staff.complete.new')}</p>`}
    <${Outdated} hasFailed=${orders && error} onRetry=${reload} />
    ${isRead
      ? html`<p class="total"><span>${t('staff.orders', { count: table.order_count })}</span><${Money} amount=${table.total_amount} /></p>`
      : unread
        ? html`<${Failure} title=${t('orders.failed')} error=${unread} onRetry=${readAgain} />`
        : html`<${Loading} />`}
    ${unfinished.length > 0 && html`<div class="unfinished">
      <p><strong>${t('staff.unfinished', { count: unfinished.length })}</strong></p>
      <ul>${unfinished.map((order) => html`<li key=${order.id}>${shortNumber(order)} · ${t(`staff.status.${order.status}`)} · ${order.items.map((item) => `${item.menu_name} ${item.quantity}`).join(', ')}</li>`)}</ul>
    </div>`}
    ${failure && html`<p class="alert" role="alert">${failure}</p>`}
  <//>`;
}
