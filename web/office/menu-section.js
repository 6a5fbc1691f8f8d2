import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Empty } from '../ui/states.js';
import { Loaded } from './loaded.js';
import { MenuCategory } from './menu-category.js';
import { MenuDialogs } from './menu-dialogs.js';
import { MenuToolbar } from './menu-toolbar.js';
import { clearFilter, filteredSections } from './state/filter.js';
import { menu } from './state/lists.js';
import { openDialog } from './state/live.js';

/** The categories and their items. */
export function MenuSection() {
  return html`<${Loaded} resource=${menu} failed=${t('menu.failed')}>${content}<//>`;
}

/** @param {import('./state/lists.js').Menu} data */
function content(data) {
  const { categories, items } = data;
  if (categories.length === 0) {
    return html`<${Empty} title=${t('office.menu.empty')} hint=${t('office.menu.empty.hint')} />
      <p class="centre"><${Button} kind="primary" onPress=${() => openDialog('category')}>${t('office.category.add')}<//></p>
      <${MenuDialogs} menu=${data} />`;
  }
  const sections = filteredSections(data);
  return html`<${MenuToolbar} categories=${categories} items=${items} />
    ${sections.map(({ category, count, items: shown }) => html`<${MenuCategory} key=${category?.id ?? 0} category=${category} count=${count} items=${shown} />`)}
    ${sections.length === 0 && html`<${Empty} title=${t('office.menu.nothing')} />
      <p class="centre"><${Button} onPress=${clearFilter}>${t('office.filter.clear')}<//></p>`}
    <${MenuDialogs} menu=${data} />`;
}
