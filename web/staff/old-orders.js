import { t } from '../lib/i18n.js';
import { html, useRef, useSignal } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { FinishDialog } from './finish-dialog.js';

/**
 * Completes the unfinished orders of earlier parties together. Once shown, it stays, so that nothing moves.
 *
 * @param {object} props
 * @param {import('wire').Order[]} props.orders
 * @param {boolean} props.isCertain whether the dashboard has them too: it may lack the table's new session
 * @param {() => void} props.onChanged
 */
export function OldOrders({ orders, isCertain, onChanged }) {
  const isAsked = useSignal(false);
  const isShown = useRef(false);
  isShown.current ||= orders.length > 0;
  if (!isShown.current) return null;
  return html`<div class="old-orders">
    <p>${t('staff.carried_over', { count: orders.length })}</p>
    <${Button} isDisabled=${orders.length === 0 || !isCertain} onPress=${() => (isAsked.value = true)}>${t('staff.finish')}<//>
  </div>
  ${isAsked.value && html`<${FinishDialog} orders=${orders} onClose=${() => (isAsked.value = false)} onChanged=${onChanged} />`}`;
}
