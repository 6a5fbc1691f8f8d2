import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { Money } from '../ui/money.js';
import { Picture } from '../ui/picture.js';
import { Switch } from '../ui/switch.js';
import { setAvailable, wanted } from './state/availability.js';
import { openDialog } from './state/live.js';

/** @param {{ item: import('wire').MenuItem }} props */
export function MenuRow({ item }) {
  const { id, name, price, description, image_url } = item;
  const isAvailable = wanted.value.get(id) ?? item.is_available;
  return html`<article class=${isAvailable ? 'row' : 'row sold-out'}>
    <${Picture} url=${image_url} />
    <div class="row-text">
      <p class="row-name">${name}</p>
      ${description && html`<p class="row-description muted">${description}</p>`}
    </div>
    <${Money} amount=${price} />
    <${Switch} isOn=${isAvailable} isBusy=${wanted.value.has(id)} label=${t('office.item.switch', { name })}
      text=${t(isAvailable ? 'office.item.on_sale' : 'menu.soldout')} onPress=${() => setAvailable(item, !isAvailable)} />
    <div class="row-actions">
      <${Button} label=${t('office.edit_of', { name })} onPress=${() => openDialog('item', id)}>${t('office.edit')}<//>
      <${Button} kind="plain" class="icon-only" label=${t('office.delete_of', { name })} onPress=${() => openDialog('delete_item', id)}><${Icon} name="trash" /><//>
    </div>
  </article>`;
}
