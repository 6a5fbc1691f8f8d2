import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { SelectField } from '../ui/select-field.js';
import { category, isSoldOutOnly, query } from './state/filter.js';
import { openDialog } from './state/live.js';

/**
 * The filter of the menu, and the buttons that add to it.
 *
 * @param {{ categories: import('wire').Category[], items: import('wire').MenuItem[] }} props
 */
export function MenuToolbar({ categories, items }) {
  const soldOut = items.filter(({ is_available }) => !is_available).length;
  const options = [{ value: '', text: t('office.filter.all_categories') }, ...categories.map(({ id, name }) => ({ value: String(id), text: name }))];
  const toggle = () => {
    isSoldOutOnly.value = !isSoldOutOnly.value;
  };
  return html`<div class="section-head">
      <h2 tabindex="-1">${t('office.nav.menu')} <span class="muted">${t('office.menu.count', { count: items.length })}</span></h2>
      <${Button} onPress=${() => openDialog('reorder_categories')} isDisabled=${categories.length < 2}>${t('office.category.reorder')}<//>
      <${Button} onPress=${() => openDialog('category')}>${t('office.category.add')}<//>
      <${Button} kind="primary" onPress=${() => openDialog('new_item', Number(category.value))}>${t('office.item.add')}<//>
    </div>
    <div class="filter" role="search">
      <${Field} type="search" label=${t('office.filter.search')} value=${query.value} onInput=${(/** @type {string} */ text) => (query.value = text)} />
      <${SelectField} label=${t('office.filter.category')} value=${category.value} options=${options} onInput=${(/** @type {string} */ id) => (category.value = id)} />
      <button type="button" class="button choice" aria-pressed=${isSoldOutOnly.value ? 'true' : 'false'} onClick=${toggle}>
        ${t('office.filter.sold_out')} <span class="count">${soldOut}</span>
      </button>
    </div>`;
}
