import { t } from '../lib/i18n.js';
import { html, useLayoutEffect } from '../lib/preact.js';
import { holdDraft } from '../lib/unsaved.js';
import { STAYS_BUSY, useAction } from '../ui/action.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { cancelOrder } from './cancellation.js';
import { explain } from './state/account.js';

/** The longest reason that the server accepts, in characters. */
const LONGEST = 500;

/**
 * Cancels an order, with a reason for the audit log.
 *
 * @param {object} props
 * @param {import('wire').Order} props.order
 * @param {boolean} props.isOld whether the order is of an earlier party
 * @param {import('../vendor/signals.mjs').Signal<string>} props.reason
 * @param {() => void} props.onClose
 * @param {() => void} props.onChanged
 */
export function CancelForm({ order, isOld, reason, onClose, onChanged }) {
  const length = [...reason.value.trim()].length;
  useLayoutEffect(() => (length > 0 ? holdDraft() : undefined), [length > 0]);
  const { isBusy, failure, run: cancel } = useAction(async () => {
    if (length > LONGEST) return undefined;
    try {
      await cancelOrder(order, isOld, reason.value.trim());
      // The form stays until the list is read again, so that nothing moves in between.
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
