import { asApiError } from '../lib/api.js';
import { useForm } from '../lib/form.js';
import { t } from '../lib/i18n.js';
import { html, useRef, useSignal } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { FormDialog } from '../ui/form-dialog.js';
import { PasswordField } from '../ui/password-field.js';
import { toast } from '../ui/toast.js';
import { explain } from './state/account.js';
import { tables } from './state/lists.js';
import { MOST, addTable, planned, toTableNumber } from './state/new-tables.js';

/** Adds tables from one number to another, with the same password. @param {{ onClose: () => void }} props */
export function AddTablesDialog({ onClose }) {
  const existing = tables.data.value?.tables ?? [];
  const start = String((existing.at(-1)?.table_number ?? 0) + 1);
  /** The number of added tables and of all tables to add; null before the start. */
  const progress = useSignal(/** @type {{ done: number, count: number } | null} */ (null));
  const isStopped = useRef(false);
  const form = useForm({
    initial: { from: start, to: start, password: '' },
    check,
    duplicate: () => ({ from: t('office.table.duplicate') }),
    explain,
    save: async ({ from, to, password }) => {
      const { numbers } = planned(from, to, existing);
      isStopped.current = false;
      let done = 0;
      try {
        for (const number of numbers) {
          if (isStopped.current) break;
          progress.value = { done, count: numbers.length };
          try {
            await addTable(number, password);
            done += 1;
          } catch (error) {
            // Another user added the same table at the same time.
            if (numbers.length === 1 || asApiError(error).code !== 'DUPLICATE') throw error;
          }
        }
      } finally {
        progress.value = done > 0 ? { done, count: numbers.length } : null;
        await tables.load();
      }
      if (isStopped.current) return false;
      toast(t('office.tables.added', { count: done }));
      return true;
    },
    done: onClose,
  });
  const { from, to } = form.values;
  const plan = planned(from, to, existing);
  const { done, count } = progress.value ?? { done: 0, count: 0 };
  return html`<${FormDialog} title=${t('office.tables.add')} form=${form} submit=${t('office.tables.add.submit')} onClose=${onClose}>
    <div class="pair">
      <${Field} label=${t('office.tables.from')} inputMode="numeric" ...${form.field('from')} />
      <${Field} label=${t('office.tables.to')} inputMode="numeric" ...${form.field('to')} />
    </div>
    <${PasswordField} label=${t('pair.password')} hint=${t('office.tables.password.hint')} ...${form.field('password')} />
    <div role="status">
      ${progress.value
        ? html`<p>${t(form.isBusy ? 'office.tables.progress' : 'office.tables.partly', { done, count })}</p>`
        : plan.length > 0 && plan.length <= MOST && html`<p class="muted">${t(plan.existing > 0 ? 'office.tables.plan.some' : 'office.tables.plan', { count: plan.numbers.length, existing: plan.existing })}</p>`}
    </div>
    ${form.isBusy && count > 1 && html`<progress value=${done} max=${count} aria-label=${t('office.tables.add')}></progress>
      <${Button} onPress=${() => (isStopped.current = true)}>${t('office.tables.stop')}<//>`}
  <//>`;

  /** @param {{ from: string, to: string, password: string }} values */
  function check(values) {
    const { length, numbers } = planned(values.from, values.to, existing);
    const isNumber = toTableNumber(values.from) > 0;
    const tooMany = length > MOST ? t('office.tables.too_many', { count: MOST }) : '';
    return {
      from: !isNumber ? t('office.table.number.wrong') : length > 0 && length <= MOST && numbers.length === 0 ? t('office.table.duplicate') : '',
      to: !toTableNumber(values.to) ? t('office.table.number.wrong') : isNumber && length === 0 ? t('office.tables.to.wrong') : tooMany,
      password: values.password ? '' : t('required'),
    };
  }
}
