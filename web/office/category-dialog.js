import { useForm } from '../lib/form.js';
import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Field } from '../ui/field.js';
import { FormDialog } from '../ui/form-dialog.js';
import { toast } from '../ui/toast.js';
import { explain, request } from './state/account.js';
import { menu, readNow, replaced } from './state/lists.js';

/** @param {{ category: import('wire').Category | null, onClose: () => void }} props */
export function CategoryDialog({ category, onClose }) {
  const form = useForm({
    initial: { name: category?.name ?? '' },
    check: ({ name }) => ({ name: name.trim() ? '' : t('required') }),
    duplicate: () => ({ name: t('office.category.duplicate') }),
    current: async () => {
      const now = (await readNow(menu))?.categories.find(({ id }) => id === category?.id);
      return now ? { name: now.name } : null;
    },
    explain,
    save: async ({ name }) => {
      const body = { name: name.trim() };
      /** @type {import('wire').Category} */
      const saved = category ? await request('PATCH', `/admin/categories/${category.id}`, body) : await request('POST', '/admin/categories', body);
      menu.update((data) => ({ ...data, categories: replaced(data.categories, saved) }));
      toast(t('office.saved', { name: saved.name }));
    },
    done: onClose,
  });
  return html`<${FormDialog} title=${t(category ? 'office.category.rename' : 'office.category.add')} form=${form} submit=${t('office.save')} onClose=${onClose}>
    <${Field} label=${t('office.category.name')} autofocus ...${form.field('name')} />
  <//>`;
}
