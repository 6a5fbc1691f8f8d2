import { t } from '../lib/i18n.js';
import { useIsLeft } from '../lib/left.js';
import { html } from '../lib/preact.js';
import { STAYS_BUSY, useAction } from './action.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { SECOND_TAP } from './second-tap.js';

/**
 * Asks for confirmation before an action that cannot be undone.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.text
 * @param {string} props.confirm
 * @param {string} [props.refusal] why the action is not possible; shown instead of the question
 * @param {() => Promise<any>} props.onConfirm
 * @param {(error: import('../lib/api.js').ApiError) => string} props.explain
 * @param {() => void} props.onClose
 */
export function ConfirmDialog({ title, text, confirm, refusal, onConfirm, explain, onClose }) {
  const isLeft = useIsLeft();
  const { isBusy, failure, run } = useAction(async () => {
    await onConfirm();
    // The Back button may have opened another dialog in its place.
    if (!isLeft.current) onClose();
    return STAYS_BUSY;
  }, explain);
  const footer = html`<div class="actions">
    ${failure && html`<p class="alert" role="alert">${failure}</p>`}
    <${Button} isDisabled=${isBusy} onPress=${onClose}>${t(refusal ? 'close' : 'cancel')}<//>
    ${!refusal && html`<${Button} kind="danger" guard=${SECOND_TAP} isBusy=${isBusy} onPress=${run}>${confirm}<//>`}
  </div>`;
  return html`<${Dialog} title=${title} mayClose=${() => !isBusy} onClose=${onClose} footer=${footer}><p>${refusal || text}</p><//>`;
}
