import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Dialog } from '../ui/dialog.js';
import { Money } from '../ui/money.js';
import { Empty, Failure, Loading } from '../ui/states.js';
import { OrderCard } from './order-card.js';
import { QueuedCard } from './queued-card.js';
import { refused, waiting } from './state/ordering.js';
import { failure, markSeen, orders, refresh, total } from './state/orders.js';

/** The orders of this session and their total. @param {{ onClose: () => void }} props */
export function OrdersDialog({ onClose }) {
  const hasOrders = (orders.value?.length ?? 0) > 0;
  const footer = hasOrders && html`<p class="total"><span>${t('orders.total')}</span><${Money} amount=${total.value} /></p>`;
  const leave = () => {
    // Only when a guest closes the dialog: an idle page closes it without this function.
    markSeen();
    onClose();
  };
  return html`<${Dialog} hasScrollFocus class="sheet" title=${t('orders.title')} onClose=${leave} footer=${footer}>
    ${[...waiting.value, ...refused.value].map((order) => html`<${QueuedCard} key=${order.key} order=${order} />`)}
    ${content()}
  <//>`;
}

function content() {
  if (orders.value === null) {
    return failure.value
      ? html`<${Failure} title=${t('orders.failed')} error=${failure.value} onRetry=${refresh} />`
      : html`<${Loading} />`;
  }
  if (orders.value.length > 0) {
    // The newest orders may be missing.
    return html`${failure.value && html`<${Failure} title=${t('orders.failed')} error=${failure.value} onRetry=${refresh} />`}
      ${orders.value.map((order) => html`<${OrderCard} key=${order.id} order=${order} />`)}`;
  }
  const hasQueued = waiting.value.length + refused.value.length > 0;
  return hasQueued ? null : html`<${Empty} title=${t('orders.empty')} hint=${t('orders.empty.hint')} />`;
}
