import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { open } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { Money } from '../ui/money.js';
import { cart } from './state/cart.js';
import { cartCount } from './state/party.js';

/** Opens the cart. It is always visible below the menu. */
export function CartBar() {
  const count = cartCount.value;
  return html`<div class="cart-bar">
    <${Button} kind=${count > 0 ? 'primary' : 'quiet'} class="wide cart-bar-button" onPress=${() => open('cart')}>
      <${Icon} name="cart" /><span>${t('cart.title')}</span>
      ${count > 0 && html`<span class="count">${count}</span><${Money} class="push" amount=${cart.value.total} />`}
    <//>
  </div>`;
}
