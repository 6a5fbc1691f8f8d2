import { useForm } from '../lib/form.js';
import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Field } from '../ui/field.js';
import { FormDialog } from '../ui/form-dialog.js';
import { PasswordField } from '../ui/password-field.js';
import { toast } from '../ui/toast.js';
import { explain, request } from './state/account.js';
import { readNow, replaced, tables } from './state/lists.js';
import { toTableNumber } from './state/new-tables.js';

/** Changes the number or the password of a table. @param {{ table: import('wire').Table, onClose: () => void }} props */
export function TableDialog({ table, onClose }) {
  const form = useForm({
    initial: { table_number: String(table.table_number), password: '' },
    check: (values) => ({ table_number: toTableNumber(values.table_number) ? '' : t('office.table.number.wrong') }),
    duplicate: () => ({ table_number: t('office.table.duplicate') }),
    current: async () => {
      const now = (await readNow(tables))?.tables.find(({ id }) => id === table.id);
      return now ? { table_number: String(now.table_number), password: '' } : null;
    },
    explain,
    save: async ({ table_number, password }, initial) => {
      const body = { ...(table_number !== initial.table_number && { table_number: toTableNumber(table_number) }), ...(password && { password }) };
      /** @type {import('wire').Table} */
      const saved = await request('PATCH', `/admin/tables/${table.id}`, body);
      tables.update((data) => ({ ...data, tables: replaced(data.tables, saved).sort((one, other) => one.table_number - other.table_number) }));
      // A new password unpairs the table's tablets.
      tables.load();
      toast(t('office.saved', { name: t('app.table', { number: saved.table_number }) }));
    },
    done: onClose,
  });
  return html`<${FormDialog} title=${t('office.edit_of', { name: t('app.table', { number: table.table_number }) })} form=${form} submit=${t('office.save')} onClose=${onClose}>
    <${Field} label=${t('pair.table')} inputMode="numeric" ...${form.field('table_number')} />
    <${PasswordField} label=${t('office.password.new')} hint=${t('office.table.password.hint')} ...${form.field('password')} />
  <//>`;
}
