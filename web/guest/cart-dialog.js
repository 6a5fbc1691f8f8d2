import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { open } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Money } from '../ui/money.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { CartContent } from './cart-content.js';
import { cart } from './state/cart.js';

/** The cart on screens without room for it beside the menu. @param {{ onClose: () => void }} props */
export function CartDialog({ onClose }) {
  const { lines, total } = cart.value;
  const footer = lines.length > 0 && html`<p class="total"><span>${t('cart.total')}</span><${Money} amount=${total} /></p>
    <${Button} kind="primary" class="wide" guard=${SECOND_TAP} onPress=${() => open('review')}>${t('cart.review')}<//>`;
  return html`<${Dialog} class="sheet" title=${t('cart.title')} onClose=${onClose} footer=${footer}><${CartContent} /><//>`;
}
