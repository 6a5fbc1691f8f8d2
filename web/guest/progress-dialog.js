import { t } from '../lib/i18n.js';
import { shortNumber } from '../lib/order-number.js';
import { html, useEffect } from '../lib/preact.js';
import { close, open } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Icon } from '../ui/icon.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { Refusal } from './refusal.js';
import { followed, placed, queue, waitingHint } from './state/ordering.js';

/** The progress of the order that the guest has just placed. @param {{ onClose: () => void }} props */
export function ProgressDialog({ onClose }) {
  const key = followed.value;
  const order = queue.orders.value.find((one) => one.key === key);
  const done = placed.value?.key === key ? placed.value.order : null;
  const isGone = !order && !done;
  useEffect(() => {
    // The page was reloaded, or another tab has finished the order.
    if (isGone) open('orders');
  }, [isGone]);
  if (isGone) return null;
  if (done) return html`<${Placed} order=${done} onClose=${onClose} />`;
  if (order?.state === 'refused') return html`<${Refused} order=${order} />`;
  return html`<${Sending} order=${order} onClose=${onClose} />`;
}

/** @param {{ order: import('../lib/queue.js').QueuedOrder, onClose: () => void }} props */
function Sending({ order, onClose }) {
  const problem = queue.problem.value;
  const isSending = queue.sending.value === order.key && !problem;
  const title = t(isSending ? 'progress.sending' : problem === 'busy' ? 'progress.busy' : 'progress.waiting');
  return html`<${Dialog} class="progress" title=${title} onClose=${onClose} footer=${html`<${Button} class="wide" guard=${SECOND_TAP} onPress=${onClose}>${t('progress.more')}<//>`}>
    <p class="progress-mark waiting">${isSending ? html`<span class="spinner" aria-hidden="true"></span>` : html`<${Icon} name="wait" />`}</p>
    <p role="status">${isSending ? title : waitingHint(order)}</p>
  <//>`;
}

/** @param {{ order: import('wire').Order, onClose: () => void }} props */
function Placed({ order, onClose }) {
  const footer = html`<div class="actions">
    <${Button} guard=${SECOND_TAP} onPress=${() => open('orders')}>${t('progress.orders')}<//>
    <${Button} kind="primary" guard=${SECOND_TAP} autofocus onPress=${onClose}>${t('progress.more')}<//>
  </div>`;
  return html`<${Dialog} class="progress" title=${t('progress.placed')} onClose=${onClose} footer=${footer}>
    <p class="progress-mark done"><${Icon} name="check" /></p>
    <p class="progress-number" role="status">${t('progress.number', { number: shortNumber(order) })}</p>
  <//>`;
}

/** @param {{ order: import('../lib/queue.js').QueuedOrder }} props */
function Refused({ order }) {
  const isExpired = order.code === 'ORDER_EXPIRED';
  const leave = () => {
    queue.remove(order.key);
    close();
  };
  const check = () => {
    queue.remove(order.key);
    open('review');
  };
  const footer = html`<div class="actions">
    <${Button} guard=${SECOND_TAP} onPress=${leave}>${t('progress.more')}<//>
    <${Button} kind="primary" guard=${SECOND_TAP} onPress=${check}>${t('progress.check')}<//>
  </div>`;
  return html`<${Dialog} class="progress" title=${t(isExpired ? 'progress.expired' : 'progress.refused')} onClose=${leave} footer=${footer}>
    <p class="progress-mark refused"><${Icon} name="warn" /></p>
    <${Refusal} order=${order} />
    <p class="muted">${t('progress.returned')}</p>
  <//>`;
}
