import { t } from '../lib/i18n.js';
import { isWide } from '../lib/media.js';
import { html } from '../lib/preact.js';
import { open } from '../lib/view.js';
import { Icon } from '../ui/icon.js';
import { Money } from '../ui/money.js';
import { announce, toast } from '../ui/toast.js';
import { Picture } from '../ui/picture.js';
import { itemOf, quantityOf } from './state/cart.js';
import { add } from './state/party.js';

/** @param {{ id: number }} props */
export function MenuCard({ id }) {
  const item = itemOf(id).value;
  const quantity = quantityOf(id).value;
  if (!item) return null;
  const { name, price, description, image_url, is_available } = item;
  const put = () => {
    const isIn = add({ menu_id: id, name, price, quantity: 1 });
    // A visible cart already shows the new item, so announce it to screen readers only.
    if (isIn && isWide.value) announce(t('menu.added', { name }));
    else toast(t(isIn ? 'menu.added' : 'menu.full', { name }));
  };
  return html`<article class=${is_available ? 'card' : 'card sold-out'}>
    <${Picture} url=${image_url} />
    <div class="card-text">
      <h3><button type="button" class="card-open" onClick=${() => open('item', id)}>${name}</button></h3>
      ${description && html`<p class="card-description">${description}</p>`}
      <p class="card-price">
        <${Money} amount=${price} />
        ${!is_available && html`<span class="tag danger">${t('menu.soldout')}</span>`}
        ${quantity > 0 && html`<span class="tag">${t('menu.in_cart', { count: quantity })}</span>`}
      </p>
    </div>
    ${is_available && html`<button type="button" class="button primary round card-add" aria-label=${t('menu.add', { name })} onClick=${put}>
      <${Icon} name="plus" />
    </button>`}
  </article>`;
}
