import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { request } from './state/account.js';
import { offerUndo } from './undo-bar.js';

/** Cancels an order, with a reason for the audit. @param {{ order: import('wire').Order, onClose: () => void, onCancelled: () => void, onChanged: () => void }} props */
export function CancelForm({ order, onClose, onCancelled, onChanged }) {
  const reason = useSignal('');
  const isBusy = useSignal(false);
  const failure = useSignal('');
  const cancel = async () => {
    isBusy.value = true;
    failure.value = '';
    try {
      await request('DELETE', `/admin/orders/${order.id}?reason=${encodeURIComponent(reason.value.trim().slice(0, 500))}`);
      const number = order.order_number.split('-')[1] ?? order.order_number;
      offerUndo(order.id, t('staff.cancelled', { number }), () => request('POST', `/admin/orders/${order.id}/restore`));
      // The form stays as it is until the list is read again, so that nothing moves in between.
      onCancelled();
    } catch (error) {
      failure.value = asApiError(error).text;
      isBusy.value = false;
    } finally {
      onChanged();
    }
  };
  return html`<div class="cancel">
    <${Field} label=${t('staff.cancel.reason')} value=${reason.value} onInput=${(/** @type {string} */ value) => (reason.value = value)} />
    ${failure.value && html`<p class="alert" role="alert">${failure.value}</p>`}
    <div class="actions">
      <${Button} onPress=${onClose}>${t('staff.cancel.keep')}<//>
      <${Button} kind="danger" guard=${500} isBusy=${isBusy.value} onPress=${cancel}>${t('staff.cancel.confirm')}<//>
    </div>
  </div>`;
}
