import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Money, money } from '../ui/money.js';
import { contentChanged, SECOND_TAP } from '../ui/second-tap.js';
import { Stepper } from '../ui/stepper.js';
import { removeLines, setQuantity } from './state/party.js';

/**
 * A change of the item must not move the lines below, so it is shown beside the buttons.
 *
 * @param {{ view: import('./state/cart.js').CartView }} props
 */
export function CartLine({ view }) {
  const { line, name, price, isSoldOut, isChanged, subtotal } = view;
  const remove = () => {
    // The next line takes its place.
    contentChanged();
    removeLines([line.menu_id]);
  };
  const change = () => {
    if (price === line.price) return html`<span class="tag warning">${t('cart.changed')}</span>`;
    return html`<s class="tag warning">${t('cart.was', { value: money(line.price * line.quantity) })}</s>`;
  };
  return html`<div class=${isSoldOut ? 'line sold-out' : 'line'}>
    <p class="line-name">${name}</p>
    ${isSoldOut
      ? html`<${Button} label=${t('quantity.remove', { name })} guard=${SECOND_TAP} onPress=${remove}>${t('cart.remove')}<//>`
      : html`<${Stepper} name=${name} value=${line.quantity} onRemove=${remove}
          onChange=${(/** @type {number} */ value) => setQuantity(line.menu_id, value)} />`}
    <p class="line-sum">
      ${isSoldOut ? html`<span class="tag danger">${t('menu.soldout')}</span>` : html`${isChanged && change()}<${Money} amount=${subtotal} />`}
    </p>
  </div>`;
}
