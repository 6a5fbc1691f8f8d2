import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { STAYS_BUSY, useAction } from '../ui/action.js';
import { Button } from '../ui/button.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { explain, request } from './state/account.js';
import { withdrawUndo } from './undo-bar.js';

/**
 * Replaces the buttons of an order that is no longer live. `reason` is the text that was typed here before
 * another user cancelled the order.
 *
 * @param {{ id: number, text: string, reason: string, canUndo: boolean, onChanged: () => void }} props
 */
export function GoneOrder({ id, text, reason, canUndo, onChanged }) {
  const { isBusy, failure, run: undo } = useAction(async () => {
    try {
      await request('POST', `/admin/orders/${id}/restore`);
      withdrawUndo(`order-${id}`);
      return STAYS_BUSY;
    } finally {
      onChanged();
    }
  }, explain);
  return html`<div class="gone-actions">
    <p role="status">${text}</p>
    ${reason && html`<p class="alert" role="alert">${t('staff.cancel.unused', { reason })}</p>`}
    ${canUndo && html`<${Button} guard=${SECOND_TAP} isBusy=${isBusy} onPress=${undo}>${t('staff.undo')}<//>`}
    ${failure && html`<p class="alert" role="alert">${failure}</p>`}
  </div>`;
}
