import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { STAYS_BUSY, useAction } from '../ui/action.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { explain, request } from './state/account.js';
import { NEXT } from './state/status.js';

/**
 * Completes the unfinished orders of earlier parties, one after another. It stops at the first failure.
 *
 * @param {{ orders: import('wire').Order[], onClose: () => void, onChanged: () => void }} props
 */
export function FinishDialog({ orders, onClose, onChanged }) {
  // The orders that the user sees and confirms.
  const all = useSignal(orders);
  const done = useSignal(0);
  const count = all.value.length;
  const { isBusy, failure, run: finish } = useAction(async () => {
    try {
      for (const order of all.value.slice(done.value)) {
        await finishOrder(order);
        done.value += 1;
      }
      onClose();
      return STAYS_BUSY;
    } finally {
      onChanged();
    }
  }, (error) => t('staff.finish.failed', { count, done: done.value, reason: explain(error) }));
  const footer = html`<div class="actions places">
    <${Button} isDisabled=${isBusy} onPress=${onClose}>${t('cancel')}<//>
    <${Button} kind="primary" guard=${SECOND_TAP} isBusy=${isBusy} onPress=${finish}>${t('staff.finish.confirm')}<//>
  </div>`;
  return html`<${Dialog} title=${t('staff.finish.title')} mayClose=${() => !isBusy} onClose=${onClose} footer=${footer}>
    <p>${t('staff.finish.text', { count })}</p>
    <p class="finish-state" role="status">${isBusy && t('staff.finish.progress', { count, done: done.value })}</p>
    ${failure && html`<p class="alert" role="alert">${failure}</p>`}
  <//>`;
}

/** @param {import('wire').Order} order */
async function finishOrder({ id, status }) {
  for (let next = NEXT[status]; next; next = NEXT[next]) {
    try {
      await request('PATCH', `/admin/orders/${id}/status`, { status: next });
    } catch (error) {
      // Another user has cancelled or completed the order, or has advanced its status first.
      if (!['ORDER_NOT_FOUND', 'SESSION_ENDED', 'INVALID_STATUS_TRANSITION'].includes(asApiError(error).code)) throw error;
    }
  }
}
