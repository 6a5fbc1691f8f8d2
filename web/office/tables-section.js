import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Empty } from '../ui/states.js';
import { Loaded } from './loaded.js';
import { account } from './state/account.js';
import { tables } from './state/lists.js';
import { openDialog } from './state/live.js';
import { TableDialogs } from './table-dialogs.js';

/** The tables and their tablets. */
export function TablesSection() {
  return html`<${Loaded} resource=${tables} failed=${t('staff.failed')}>${content}<//>`;
}

/** @param {import('./state/lists.js').Tables} data */
function content(data) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const { table_id } of data.devices) counts.set(table_id, (counts.get(table_id) ?? 0) + 1);
  return html`<div class="section-head">
      <h2 tabindex="-1">${t('office.nav.tables')} <span class="muted">${t('office.tables.count', { count: data.tables.length })}</span></h2>
      <${Button} kind="primary" onPress=${() => openDialog('add')}>${t('office.tables.add')}<//>
    </div>
    <p class="muted">${t('office.tables.hint', { store: account.value?.store_id ?? '' })}</p>
    ${data.tables.length === 0
      ? html`<${Empty} title=${t('office.tables.empty')} />`
      : html`<ul class="rows tiles">${data.tables.map((table) => html`<li key=${table.id}><${TableRow} table=${table} devices=${counts.get(table.id) ?? 0} /></li>`)}</ul>`}
    <${TableDialogs} data=${data} />`;
}

/** @param {{ table: import('wire').Table, devices: number }} props */
function TableRow({ table: { id, table_number }, devices }) {
  const name = t('app.table', { number: table_number });
  return html`<article class="row">
    <p class="row-text row-name">${name}</p>
    <div class="row-actions">
      <${Button} kind="plain" label=${t('office.devices.of', { name, count: devices })} onPress=${() => openDialog('devices', id)}>${t('office.devices.count', { count: devices })}<//>
      <${Button} label=${t('office.edit_of', { name })} onPress=${() => openDialog('table', id)}>${t('office.edit')}<//>
      <${Button} kind="plain" label=${t('office.delete_of', { name })} onPress=${() => openDialog('delete', id)}>${t('office.delete')}<//>
    </div>
  </article>`;
}
