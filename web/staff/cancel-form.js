import { t } from '../lib/i18n.js';
import { html, useLayoutEffect } from '../lib/preact.js';
import { holdDraft } from '../lib/unsaved.js';
import { STAYS_BUSY, useAction } from '../ui/action.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { toast } from '../ui/toast.js';
import { explain, request } from './state/account.js';
import { offerUndo } from './undo-bar.js';

/** The longest reason that the server accepts, in characters. */
const LONGEST = 500;

/**
 * Cancels an order, with a reason for the audit log.
 *
 * @param {object} props
 * @param {import('wire').Order} props.order
 * @param {boolean} props.isOld whether the order is of an earlier party, so that it cannot be restored
 * @param {import('../vendor/signals.mjs').Signal<string>} props.reason
 * @param {() => void} props.onClose
 * @param {() => void} props.onCancelled
 * @param {() => void} props.onChanged
 */
export function CancelForm({ order, isOld, reason, onClose, onCancelled, onChanged }) {
  const length = [...reason.value.trim()].length;
  useLayoutEffect(() => (length > 0 ? holdDraft() : undefined), [length > 0]);
  const { isBusy, failure, run: cancel } = useAction(async () => {
    if (length > LONGEST) return undefined;
    try {
      await request('DELETE', `/admin/orders/${order.id}?reason=${encodeURIComponent(reason.value.trim())}`);
      const number = order.order_number.split('-')[1] ?? order.order_number;
      const text = t('staff.cancelled', { number });
      if (isOld) toast(text);
      else offerUndo(`order-${order.id}`, text, () => request('POST', `/admin/orders/${order.id}/restore`));
      // The form stays until the list is read again, so that nothing moves in between.
      onCancelled();
      return STAYS_BUSY;
    } finally {
      onChanged();
    }
  }, explain);
  return html`<div class="cancel">
    <${Field} label=${t('staff.cancel.reason')} error=${length > LONGEST ? t('staff.cancel.too_long', { limit: LONGEST, length }) : ''}
      hint=${length > LONGEST ? '' : t('staff.cancel.length', { limit: LONGEST, length })} value=${reason.value} onInput=${(/** @type {string} */ value) => (reason.value = value)} />
    ${failure && html`<p class="alert" role="alert">${failure}</p>`}
    <div class="actions">
      <${Button} onPress=${onClose}>${t('staff.cancel.keep')}<//>
      <${Button} kind="danger" guard=${SECOND_TAP} isBusy=${isBusy} onPress=${cancel}>${t('staff.cancel.confirm')}<//>
    </div>
  </div>`;
}
