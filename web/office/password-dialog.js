import { asApiError } from '../lib/api.js';
import { useForm } from '../lib/form.js';
import { t } from '../lib/i18n.js';
import { html, useRef, useSignal } from '../lib/preact.js';
import { Field } from '../ui/field.js';
import { FormDialog } from '../ui/form-dialog.js';
import { PasswordField } from '../ui/password-field.js';
import { toast } from '../ui/toast.js';
import { explain, request } from './state/account.js';

/** Changes the password of the signed-in owner. @param {{ onClose: () => void }} props */
export function PasswordDialog({ onClose }) {
  /** Whether the password may have been changed although no response arrived. */
  const mayBeChanged = useRef(false);
  const isExplained = useSignal(false);
  const form = useForm({
    initial: { current_password: '', new_password: '' },
    check: ({ current_password, new_password }) => ({
      current_password: current_password ? '' : t('required'),
      new_password: new_password ? '' : t('required'),
    }),
    explain,
    save: async (values) => {
      try {
        await request('POST', '/admin/auth/password', values);
      } catch (thrown) {
        const { mayBeDone, code } = asApiError(thrown);
        isExplained.value = mayBeChanged.current && code === 'VALIDATION_ERROR';
        mayBeChanged.current ||= mayBeDone;
        throw thrown;
      }
      toast(t('office.password.changed'));
    },
    done: onClose,
  });
  return html`<${FormDialog} title=${t('office.password.own')} form=${form} submit=${t('office.save')} onClose=${onClose}>
    <p class="muted">${t('office.password.own.text')}</p>
    ${isExplained.value && html`<p class="alert" role="alert">${t('office.password.own.maybe')}</p>`}
    <${Field} type="password" autocomplete="current-password" label=${t('office.password.current')} ...${form.field('current_password')} />
    <${PasswordField} label=${t('office.password.new')} ...${form.field('new_password')} />
  <//>`;
}
