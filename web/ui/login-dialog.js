import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Dialog } from './dialog.js';
import { LoginForm } from './login-form.js';

/**
 * Asks for the password again when the login has ended. The page below the dialog keeps its state.
 *
 * @param {{ login: import('../lib/login.js').Login, onDone: () => void, onLeave: () => void }} props
 */
export function LoginDialog({ login, onDone, onLeave }) {
  return html`<${Dialog} title=${t('staff.login.again')} onClose=${onLeave}>
    <p>${t('staff.login.again.text')}</p>
    <${LoginForm} login=${login} onDone=${onDone} />
  <//>`;
}
