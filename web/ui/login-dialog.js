import { t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { hasUnsaved } from '../lib/unsaved.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { LoginForm } from './login-form.js';

/**
 * Asks for the password again when the login has ended. The page below the dialog keeps its state, so a tap beside the
 * dialog does not close it.
 *
 * @param {{ login: import('../lib/login.js').Login, onDone: () => void, onLeave: () => void }} props
 */
export function LoginDialog({ login, onDone, onLeave }) {
  const isWarned = useSignal(false);
  // Signing out discards an unsaved form below the dialog.
  const leave = () => {
    if (isWarned.peek() || !hasUnsaved()) onLeave();
    else isWarned.value = true;
  };
  const footer = html`<${Button} kind="plain" onPress=${leave}>${t('staff.sign_out')}<//>`;
  return html`<${Dialog} title=${t('staff.login.again')} hasNoClose onClose=${onLeave} footer=${footer}>
    <p>${t('staff.login.again.text')}</p>
    ${isWarned.value && html`<p class="alert" role="alert">${t('form.unsaved')}</p>`}
    <${LoginForm} login=${login} onDone=${onDone} />
  <//>`;
}
