import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Dialog } from '../ui/dialog.js';
import { LoginForm } from './login-form.js';
import { signOut } from './state/account.js';
import { resume, stop } from './state/board.js';

/** A login that has ended while somebody works: everything stays as it is below this dialog. */
export function LoginDialog() {
  const leave = () => {
    stop();
    signOut();
  };
  return html`<${Dialog} title=${t('staff.login.again')} onClose=${leave}>
    <p>${t('staff.login.again.text')}</p>
    <${LoginForm} onDone=${resume} />
  <//>`;
}
