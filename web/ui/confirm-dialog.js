import { useAction } from '../lib/action.js';
import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';

/**
 * Asks before something that cannot be undone.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.text
 * @param {string} props.confirm
 * @param {string} [props.refusal] why it is not possible now, so that there is nothing to confirm
 * @param {() => Promise<any>} props.onConfirm
 * @param {(error: import('../lib/api.js').ApiError) => string} props.explain
 * @param {() => void} props.onClose
 */
export function ConfirmDialog({ title, text, confirm, refusal, onConfirm, explain, onClose }) {
  const { isBusy, failure, run } = useAction(async () => {
    await onConfirm();
    onClose();
    return true;
  }, explain);
  const footer = html`<div class="actions">
    ${failure && html`<p class="alert" role="alert">${failure}</p>`}
    <${Button} onPress=${onClose}>${t(refusal ? 'close' : 'pair.cancel')}<//>
    ${!refusal && html`<${Button} kind="danger" guard=${500} isBusy=${isBusy} onPress=${run}>${confirm}<//>`}
  </div>`;
  return html`<${Dialog} title=${title} onClose=${onClose} footer=${footer}><p>${refusal || text}</p><//>`;
}
