import { t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Money, money } from '../ui/money.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { Empty, Loading } from '../ui/states.js';
import { Stepper } from '../ui/stepper.js';
import { toast } from '../ui/toast.js';
import { Picture } from '../ui/picture.js';
import { itemOf } from './state/cart.js';
import { isLoaded } from './state/menu.js';
import { add } from './state/party.js';

/** @param {{ id: number, onClose: () => void }} props */
export function ItemDialog({ id, onClose }) {
  const quantity = useSignal(1);
  const item = itemOf(id).value;
  if (!item) {
    return html`<${Dialog} title=${t('menu.title')} onClose=${onClose}>
      ${isLoaded.value ? html`<${Empty} title=${t('item.gone')} />` : html`<${Loading} />`}
    <//>`;
  }
  const { name, price, description, image_url, is_available } = item;
  const put = () => {
    const isIn = add({ menu_id: id, name, price, quantity: quantity.value });
    onClose();
    toast(t(isIn ? 'menu.added' : 'menu.full', { name }));
  };
  const footer = is_available
    ? html`<${Stepper} name=${name} value=${quantity.value} onChange=${(/** @type {number} */ value) => (quantity.value = value)} />
        <${Button} kind="primary" class="grow" guard=${SECOND_TAP} autofocus onPress=${put}>
          ${t('item.add', { total: money(price * quantity.value) })}
        <//>`
    : html`<p class="alert grow" role="status"><strong>${t('menu.soldout')}</strong> · ${t('item.soldout')}</p>`;
  return html`<${Dialog} class="item" title=${name} onClose=${onClose} footer=${footer}>
    <${Picture} url=${image_url} isLarge />
    <p class="item-price"><${Money} amount=${price} /></p>
    ${description && html`<p class="item-description">${description}</p>`}
  <//>`;
}
