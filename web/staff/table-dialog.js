import { t } from '../lib/i18n.js';
import { html, useLayoutEffect } from '../lib/preact.js';
import { open } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Money } from '../ui/money.js';
import { Empty, Failure, Loading } from '../ui/states.js';
import { OrderView } from './order-view.js';
import { markSeen, unseen } from './state/board.js';
import { useLiveOrders } from './state/live-orders.js';
import { UndoBar } from './undo-bar.js';

/** The orders of a table. @param {{ table: import('wire').DashboardTable, onClose: () => void }} props */
export function TableDialog({ table, onClose }) {
  const { orders, error, reload } = useLiveOrders(table.id);
  const hasNew = unseen.value.some((one) => one.table === table.id);
  // Orders of an open table are marked as seen when they are drawn, because the dialog may be closed right after.
  useLayoutEffect(() => {
    if (orders && hasNew && document.visibilityState === 'visible') markSeen(table.id);
  }, [orders, hasNew]);
  const footer = html`
    ${table.is_active && html`<p class="total"><span>${t('cart.total')}</span><${Money} amount=${table.total_amount} /></p>`}
    <div class="actions">
      <${Button} onPress=${() => open('history', table.id)}>${t('staff.history')}<//>
      ${table.is_active && html`<${Button} kind="primary" onPress=${() => open('complete', table.id)}>${t('staff.complete')}<//>`}
    </div>`;
  return html`<${Dialog} class="table-dialog" title=${t('app.table', { number: table.table_number })} onClose=${onClose} footer=${footer}>
    <${UndoBar} />
    ${content()}
  <//>`;

  function content() {
    if (!orders) return error ? html`<${Failure} title=${t('orders.failed')} error=${error} onRetry=${reload} />` : html`<${Loading} />`;
    if (orders.length === 0) return html`<${Empty} title=${t('orders.empty')} />`;
    return orders.map((order) => html`<${OrderView} key=${order.id} order=${order} isOld=${order.session_id !== table.session_id} onChanged=${reload} />`);
  }
}
