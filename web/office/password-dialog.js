import { useForm } from '../lib/form.js';
import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Field } from '../ui/field.js';
import { FormDialog } from '../ui/form-dialog.js';
import { PasswordField } from '../ui/password-field.js';
import { toast } from '../ui/toast.js';
import { explain, request } from './state/account.js';

/** Changes the password of the signed-in owner. @param {{ onClose: () => void }} props */
export function PasswordDialog({ onClose }) {
  const form = useForm({
    initial: { current_password: '', new_password: '' },
    check: ({ current_password, new_password }) => ({
      current_password: current_password ? '' : t('required'),
      new_password: new_password ? '' : t('required'),
    }),
    explain,
    save: async (values) => {
      await request('POST', '/admin/auth/password', values);
      toast(t('office.password.changed'));
    },
    done: onClose,
  });
  return html`<${FormDialog} title=${t('office.password.own')} form=${form} submit=${t('office.save')} onClose=${onClose}>
    <p class="muted">${t('office.password.own.text')}</p>
    <${Field} type="password" autocomplete="current-password" label=${t('office.password.current')} ...${form.field('current_password')} />
    <${PasswordField} label=${t('office.password.new')} ...${form.field('new_password')} />
  <//>`;
}
