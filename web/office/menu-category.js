import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { MenuRow } from './menu-row.js';
import { openDialog } from './state/live.js';

/**
 * A category and its shown items. `null` is for items whose category is not loaded yet.
 *
 * @param {import('./state/filter.js').Section} props
 */
export function MenuCategory({ category, isDeleted, count, items }) {
  const name = category?.name ?? t('menu.rest');
  const id = category?.id ?? 0;
  const shown = items.filter((item) => !item.isDeleted).length;
  return html`<section class=${isDeleted ? 'group deleted' : 'group'} inert=${isDeleted} aria-label=${name}>
    <header class="group-head">
      <h3 tabindex="-1">${name} <span class="muted">${shown < count ? t('office.category.shown', { shown, count }) : count}</span></h3>
      ${category && html`<div class="group-actions">
        <${Button} kind="plain" label=${t('office.category.rename_of', { name })} onPress=${() => openDialog('category', id)}>${t('office.category.rename')}<//>
        <${Button} kind="plain" label=${t('office.reorder_of', { name })} isDisabled=${count < 2} onPress=${() => openDialog('reorder', id)}>${t('office.reorder')}<//>
        <${Button} kind="plain" label=${t('office.delete_of', { name })} onPress=${() => openDialog('delete_category', id)}>${t('office.delete')}<//>
        <${Button} label=${t('office.item.add_to', { name })} onPress=${() => openDialog('new_item', id)}>${t('office.item.add')}<//>
      </div>`}
    </header>
    ${count === 0 && items.length === 0
      ? html`<p class="muted">${t('office.category.empty')}</p>`
      : html`<ul class="rows">${items.map((item) => html`<li key=${item.id} class=${item.isDeleted ? 'deleted' : ''} inert=${item.isDeleted}><${MenuRow} item=${item} /></li>`)}</ul>`}
  </section>`;
}
