import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Money } from '../ui/money.js';
import { contentChanged } from '../ui/second-tap.js';
import { Stepper } from '../ui/stepper.js';
import { Change } from './change.js';
import { removeLines, setQuantity } from './state/party.js';

/** @param {{ view: import('./state/cart.js').CartView }} props */
export function CartLine({ view }) {
  const { line, name, isSoldOut, isChanged, subtotal } = view;
  const remove = () => {
    // The next line takes its place.
    contentChanged();
    removeLines([line.menu_id]);
  };
  return html`<div class=${isSoldOut ? 'line sold-out' : 'line'}>
    <div class="line-text">
      <p class="line-name">${name}</p>
      ${isSoldOut && html`<p class="tag danger">${t('menu.soldout')}</p>`}
      ${isChanged && html`<${Change} view=${view} />`}
    </div>
    ${isSoldOut
      ? html`<${Button} label=${t('quantity.remove', { name })} onPress=${remove}>${t('cart.remove')}<//>`
      : html`<${Stepper} name=${name} value=${line.quantity} onRemove=${remove}
          onChange=${(/** @type {number} */ value) => setQuantity(line.menu_id, value)} />`}
    <p class="line-sum">${isSoldOut ? '–' : html`<${Money} amount=${subtotal} />`}</p>
  </div>`;
}
