import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { ConfirmDialog } from '../ui/confirm-dialog.js';
import { toast } from '../ui/toast.js';
import { AddTablesDialog } from './add-tables-dialog.js';
import { DevicesDialog } from './devices-dialog.js';
import { useKept } from './kept.js';
import { explain, request } from './state/account.js';
import { tables } from './state/lists.js';
import { closeDialog, dialog } from './state/live.js';
import { TableDialog } from './table-dialog.js';

/** The dialog that is open over the tables. @param {{ data: import('./state/lists.js').Tables }} props */
export function TableDialogs({ data }) {
  const { kind, id } = dialog();
  const table = useKept(String(id), data.tables.find((one) => one.id === id));
  if (kind === 'add') return html`<${AddTablesDialog} onClose=${closeDialog} />`;
  if (!table) return null;
  const name = t('app.table', { number: table.table_number });
  const remove = async () => {
    await request('DELETE', `/admin/tables/${id}`);
    tables.update((known) => ({ ...known, tables: known.tables.filter((one) => one.id !== id) }));
    toast(t('office.deleted', { name }));
  };
  switch (kind) {
    case 'table':
      return html`<${TableDialog} key=${id} table=${table} onClose=${closeDialog} />`;
    case 'devices':
      return html`<${DevicesDialog} key=${id} table=${table} devices=${data.devices.filter((one) => one.table_id === id)} onClose=${closeDialog} />`;
    case 'delete':
      return html`<${ConfirmDialog} key=${id} title=${t('office.delete_of', { name })} text=${t('office.table.delete_text')} confirm=${t('office.delete')}
        onConfirm=${remove} explain=${explain} onClose=${closeDialog} />`;
    default:
      return null;
  }
}
