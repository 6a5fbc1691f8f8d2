import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { Field } from '../ui/field.js';
import { Form } from './form.js';
import { logIn } from './state/flow.js';
import { progress } from './state/progress.js';

/** Asks for the owner's password again: the store exists, and the page was reloaded or its login has ended. */
export function LoginForm() {
  const { store, username } = progress.value;
  const password = useSignal('');
  const tries = useSignal(0);
  const isBusy = useSignal(false);
  const failure = useSignal('');
  const error = tries.value > 0 && !password.value ? t('required') : '';
  const submit = async () => {
    tries.value += 1;
    failure.value = '';
    if (!password.value) return;
    isBusy.value = true;
    try {
      await logIn(password.value);
    } catch (thrown) {
      const refused = asApiError(thrown);
      failure.value = refused.code === 'AUTH_FAILED' ? t('setup.login.failed') : refused.text;
      password.value = '';
      tries.value = 0;
    } finally {
      isBusy.value = false;
    }
  };
  return html`<h1 tabindex="-1">${t('setup.login.title')}</h1>
    <p>${t('setup.login.text', { store: store.store_id, username })}</p>
    <${Form} submit=${t('staff.login.submit')} isBusy=${isBusy.value} failure=${failure.value} hasErrors=${Boolean(error)} tries=${tries.value} onSubmit=${submit}>
      <${Field} name="password" type="password" autocomplete="current-password" label=${t('staff.login.password')} value=${password.value} error=${error}
        onInput=${(/** @type {string} */ value) => {
          password.value = value;
        }} />
    <//>`;
}
