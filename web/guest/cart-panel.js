import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { open } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { Money } from '../ui/money.js';
import { CartContent } from './cart-content.js';
import { cart } from './state/cart.js';

/** The cart beside the menu. */
export function CartPanel() {
  const { lines, total } = cart.value;
  return html`<aside class="cart-panel" aria-labelledby="cart-title">
    <h2 id="cart-title">${t('cart.title')}</h2>
    <div class="cart-panel-body"><${CartContent} /></div>
    ${lines.length > 0 && html`<div class="cart-panel-foot">
      <p class="total"><span>${t('cart.total')}</span><${Money} amount=${total} /></p>
      <${Button} kind="primary" class="wide" onPress=${() => open('review')}>${t('cart.review')}<//>
    </div>`}
  </aside>`;
}
