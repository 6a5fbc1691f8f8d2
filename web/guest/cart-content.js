import { t } from '../lib/i18n.js';
import { html, useId } from '../lib/preact.js';
import { Empty } from '../ui/states.js';
import { CartLine } from './cart-line.js';
import { cart } from './state/cart.js';
import { note, setNote } from './state/party.js';

/** The lines of the cart and the guest's note. */
export function CartContent() {
  const id = useId();
  const { lines } = cart.value;
  if (lines.length === 0) return html`<${Empty} title=${t('cart.empty')} hint=${t('cart.empty.hint')} />`;
  /** @param {Event} event */
  const input = (event) => setNote(/** @type {HTMLTextAreaElement} */ (event.target).value);
  return html`<ul class="lines">
      ${lines.map((line) => html`<li key=${line.line.menu_id}><${CartLine} view=${line} /></li>`)}
    </ul>
    <div class="field">
      <label for=${id}>${t('cart.note')}</label>
      <textarea id=${id} rows="2" maxlength="500" placeholder=${t('cart.note.hint')} value=${note.value} onInput=${input}></textarea>
    </div>`;
}
