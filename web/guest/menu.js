import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Empty } from '../ui/states.js';
import { sectionId } from './category-nav.js';
import { MenuCard } from './menu-card.js';
import { sections } from './state/menu.js';

export function Menu() {
  if (sections.value.length === 0) return html`<${Empty} title=${t('menu.empty')} hint=${t('menu.empty.hint')} />`;
  return sections.value.map(
    ({ id, name, items }) => html`<section key=${id} id=${sectionId(id)} class="section" aria-labelledby=${`${sectionId(id)}-name`}>
      <h2 id=${`${sectionId(id)}-name`} tabindex="-1">${name || t('menu.rest')}</h2>
      <ul class="cards">
        ${items.map((item) => html`<li key=${item}><${MenuCard} id=${item} /></li>`)}
      </ul>
    </section>`,
  );
}
