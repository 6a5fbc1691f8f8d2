import { t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { hasUnsaved } from '../lib/unsaved.js';
import { Dialog } from './dialog.js';
import { LoginForm } from './login-form.js';

/**
 * Asks for the password again when the login has ended. The page below the dialog keeps its state.
 *
 * @param {{ login: import('../lib/login.js').Login, onDone: () => void, onLeave: () => void }} props
 */
export function LoginDialog({ login, onDone, onLeave }) {
  const isWarned = useSignal(false);
  // Closing this dialog signs out, which would discard an unsaved form below it.
  const mayClose = () => {
    if (isWarned.peek() || !hasUnsaved()) return true;
    isWarned.value = true;
    return false;
  };
  return html`<${Dialog} title=${t('staff.login.again')} onClose=${onLeave} mayClose=${mayClose}>
    <p>${t('staff.login.again.text')}</p>
    ${isWarned.value && html`<p class="alert" role="alert">${t('form.unsaved')}</p>`}
    <${LoginForm} login=${login} onDone=${onDone} />
  <//>`;
}
