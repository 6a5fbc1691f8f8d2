import { useAction } from '../lib/action.js';
import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { request } from './state/account.js';
import { withdrawUndo } from './undo-bar.js';

/**
 * At the place of the buttons of an order that is no longer live. A cancellation from here can be undone. `reason` is what was typed for a
 * cancellation that somebody else made.
 *
 * @param {{ id: number, text: string, reason: string, isOurs: boolean, onChanged: () => void }} props
 */
export function GoneOrder({ id, text, reason, isOurs, onChanged }) {
  const { isBusy, failure, run: undo } = useAction(async () => {
    try {
      await request('POST', `/admin/orders/${id}/restore`);
      withdrawUndo(id);
      return true;
    } finally {
      onChanged();
    }
  });
  return html`<div class="gone-actions">
    <p role="status">${text}</p>
    ${reason && html`<p class="alert" role="alert">${t('staff.cancel.unused', { reason })}</p>`}
    ${isOurs && html`<${Button} guard=${500} isBusy=${isBusy} onPress=${undo}>${t('staff.undo')}<//>`}
    ${failure && html`<p class="alert" role="alert">${failure}</p>`}
  </div>`;
}
