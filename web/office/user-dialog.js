import { changed, useForm } from '../lib/form.js';
import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Field } from '../ui/field.js';
import { FormDialog } from '../ui/form-dialog.js';
import { PasswordField } from '../ui/password-field.js';
import { SelectField } from '../ui/select-field.js';
import { toast } from '../ui/toast.js';
import { explain, login, ownId, request } from './state/account.js';
import { readNow, replaced, users } from './state/lists.js';

/** Adds or changes an account. @param {{ user: import('wire').User | null, onClose: () => void }} props */
export function UserDialog({ user, onClose }) {
  const isOwn = user !== null && user.id === ownId.value;
  const form = useForm({
    initial: { username: user?.username ?? '', role: /** @type {string} */ (user?.role ?? 'staff'), password: '' },
    check: ({ username, password }) => ({
      username: username.trim() ? '' : t('required'),
      password: user || password ? '' : t('required'),
    }),
    duplicate: () => ({ username: t('office.user.duplicate') }),
    current: async () => {
      const now = (await readNow(users))?.find(({ id }) => id === user?.id);
      return now ? { username: now.username, role: now.role, password: '' } : null;
    },
    explain,
    save: async (values, initial) => {
      const all = { ...values, username: values.username.trim() };
      const body = user ? changed(initial, all) : all;
      /** @type {import('wire').User} */
      const saved = user ? await request('PATCH', `/admin/users/${user.id}`, body) : await request('POST', '/admin/users', body);
      users.update((list) => replaced(list, saved));
      toast(t('office.saved', { name: saved.username }));
      if (isOwn) login.learn({ username: saved.username, role: saved.role });
    },
    done: onClose,
  });
  const roles = ['staff', 'owner'].map((value) => ({ value, text: t(`office.role.${value}`) }));
  return html`<${FormDialog} title=${user ? t('office.edit_of', { name: user.username }) : t('office.user.add')} form=${form} submit=${t('office.save')} onClose=${onClose}>
    <${Field} label=${t('staff.login.username')} autofocus=${!user} ...${form.field('username')} />
    <${SelectField} label=${t('office.user.role')} options=${roles} ...${form.field('role')} />
    <p class="muted">${t(`office.role.${form.values.role}.text`)}</p>
    ${isOwn && form.values.role !== 'owner' && html`<p class="alert" role="alert">${t('office.user.demotes_own')}</p>`}
    ${isOwn
      ? html`<p class="muted">${t('office.password.own.hint')}</p>`
      : html`<${PasswordField} label=${t(user ? 'office.password.new' : 'staff.login.password')} hint=${user ? t('office.user.password.hint') : ''} ...${form.field('password')} />`}
  <//>`;
}
