import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { FILTERS, passes } from './state/filter.js';

/**
 * Buttons that filter the tables, and a button that shows the table of the oldest new order. Each has a fixed place.
 *
 * @param {object} props
 * @param {import('../vendor/signals.mjs').Signal<{ filter: string }>} props.choice
 * @param {import('wire').DashboardTable[]} props.tables
 * @param {{ table: number }[]} props.fresh the new orders, oldest first
 * @param {() => void} props.onShow
 */
export function FilterBar({ choice, tables, fresh, onShow }) {
  // `pending` counts orders; the other filters count tables.
  const count = (/** @type {string} */ name) =>
    name === 'pending'
      ? tables.reduce((sum, table) => sum + table.pending_count + table.carried_over_count, 0)
      : tables.filter((table) => passes(table, name)).length;
  const number = tables.find(({ id }) => id === fresh[0]?.table)?.table_number ?? 0;
  return html`<div class="filters">
    <div class="choices" role="group" aria-label=${t('staff.filter')}>
      ${FILTERS.map((name) => html`<button type="button" key=${name} class="button choice" aria-pressed=${choice.value.filter === name ? 'true' : 'false'}
        onClick=${() => (choice.value = { filter: name })}>${t(`staff.filter.${name}`)} <span class="count">${count(name)}</span></button>`)}
    </div>
    <div class="fresh-orders">
      ${fresh.length === 0 ? html`<p class="muted">${t('staff.fresh.none')}</p>` : html`<button type="button" class="button primary" onClick=${onShow}>
        <span>${t('staff.fresh', { count: fresh.length })}</span><span class="fresh-table">${t('app.table', { number })}</span>
      </button>`}
    </div>
  </div>`;
}
