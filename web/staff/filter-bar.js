import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';

const FILTERS = ['all', 'active', 'pending'];

/**
 * @param {import('wire').DashboardTable} table
 * @param {string} filter
 */
export function passes(table, filter) {
  if (filter === 'active') return table.is_active || table.carried_over_count > 0;
  if (filter === 'pending') return table.pending_count + table.carried_over_count > 0;
  return true;
}

/**
 * Which tables are shown, and a notice where that hides a new order.
 *
 * @param {{ filter: import('../vendor/signals.mjs').Signal<string>, tables: import('wire').DashboardTable[], hidden: number }} props
 */
export function FilterBar({ filter, tables, hidden }) {
  const choose = (/** @type {string} */ name) => {
    filter.value = name;
  };
  return html`<div class="filters" role="group" aria-label=${t('staff.filter')}>
      ${FILTERS.map((name) => html`<button type="button" key=${name} class="button choice" aria-pressed=${filter.value === name ? 'true' : 'false'}
        onClick=${() => choose(name)}>${t(`staff.filter.${name}`)} <span class="count">${tables.filter((table) => passes(table, name)).length}</span></button>`)}
    </div>
    <div role="status">${hidden > 0 && html`<div class="hidden-orders">
      <p>${t('staff.hidden', { count: hidden })}</p><${Button} onPress=${() => choose('all')}>${t('staff.hidden.show')}<//>
    </div>`}</div>`;
}
