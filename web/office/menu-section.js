import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Empty } from '../ui/states.js';
import { Loaded } from './loaded.js';
import { MenuCategory } from './menu-category.js';
import { MenuDialogs } from './menu-dialogs.js';
import { MenuToolbar } from './menu-toolbar.js';
import { clearFilter } from './state/filter.js';
import { menu } from './state/lists.js';
import { openDialog } from './state/live.js';
import { useSections } from './state/sections.js';
import { SwitchFailures } from './switch-failures.js';

/** The categories and their items. */
export function MenuSection() {
  return html`<${Loaded} resource=${menu} failed=${t('menu.failed')} notices=${html`<${SwitchFailures} />`}>${(/** @type {import('./state/lists.js').Menu} */ data) => html`<${Menu} data=${data} />`}<//>`;
}

/** @param {{ data: import('./state/lists.js').Menu }} props */
function Menu({ data }) {
  const { categories, items } = data;
  const sections = useSections(data);
  if (categories.length === 0) {
    return html`<${Empty} title=${t('office.menu.empty')} hint=${t('office.menu.empty.hint')} />
      <p class="centre"><${Button} kind="primary" onPress=${() => openDialog('category')}>${t('office.category.add')}<//></p>
      <${MenuDialogs} menu=${data} />`;
  }
  return html`<${MenuToolbar} categories=${categories} items=${items} />
    ${sections.map((section) => html`<${MenuCategory} key=${section.category?.id ?? 0} ...${section} />`)}
    ${sections.length === 0 && html`<${Empty} title=${t('office.menu.nothing')} />
      <p class="centre"><${Button} onPress=${clearFilter}>${t('office.filter.clear')}<//></p>`}
    <${MenuDialogs} menu=${data} />`;
}
