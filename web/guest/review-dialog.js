import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { open } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Money, money } from '../ui/money.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { Empty } from '../ui/states.js';
import { Change } from './change.js';
import { cart } from './state/cart.js';
import { items } from './state/menu.js';
import { place } from './state/ordering.js';
import { acceptChanges, removeLines } from './state/party.js';

/** Shows the order in large type before it is placed. @param {{ onClose: () => void }} props */
export function ReviewDialog({ onClose }) {
  const shown = cart.value;
  if (shown.lines.length === 0) {
    return html`<${Dialog} title=${t('review.title')} onClose=${onClose}><${Empty} title=${t('cart.empty')} hint=${t('cart.empty.hint')} /><//>`;
  }
  return html`<${Dialog} hasScrollFocus class="review" title=${t('review.title')} onClose=${onClose} footer=${footer(shown, onClose)}>
    <ul class="review-lines">
      ${shown.lines.map((view) => html`<li key=${view.line.menu_id} class=${view.isSoldOut ? 'sold-out' : ''}>
        <span class="review-quantity">${view.line.quantity}<span aria-hidden="true">×</span></span>
        <div class="review-name">
          <p>${view.name}</p>
          ${view.isSoldOut && html`<p class="tag danger">${t('menu.soldout')}</p>`}
          ${view.isChanged && html`<${Change} view=${view} />`}
        </div>
        ${!view.isSoldOut && html`<span class="review-sum"><${Money} amount=${view.subtotal} /></span>`}
      </li>`)}
    </ul>
    ${shown.note && html`<p class="review-note"><span class="muted">${t('cart.note')}</span> ${shown.note}</p>`}
  <//>`;
}

/**
 * @param {import('./state/cart.js').Cart} shown
 * @param {() => void} onClose
 */
function footer(shown, onClose) {
  return html`<p class="total"><span>${t('cart.total')}</span><${Money} amount=${shown.total} /></p>
    <div class="actions">
      <${Button} onPress=${onClose}>${t('review.back')}<//>
      ${action(shown)}
    </div>`;
}

/**
 * The next action for the shown order. The actions are separate buttons, so that each has its own guard.
 *
 * @param {import('./state/cart.js').Cart} shown
 */
function action(shown) {
  if (shown.hasSoldOut) {
    const soldOut = shown.lines.filter(({ isSoldOut }) => isSoldOut).map(({ line }) => line.menu_id);
    return html`<p class="alert" role="alert">${t('review.soldout')}</p>
      <${Button} key="remove" kind="primary" guard=${SECOND_TAP} onPress=${() => removeLines(soldOut)}>${t('review.remove_soldout')}<//>`;
  }
  if (shown.hasChanges) {
    return html`<p class="alert" role="alert">${t('review.changed')}</p>
      <${Button} key="accept" kind="primary" guard=${SECOND_TAP} onPress=${() => acceptChanges(items.peek())}>${t('review.accept')}<//>`;
  }
  const order = () => {
    place(shown);
    open('progress');
  };
  return html`<${Button} key="order" kind="primary" guard=${SECOND_TAP} onPress=${order}>${t('review.order', { total: money(shown.total) })}<//>`;
}
