import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { Field } from '../ui/field.js';
import { logIn } from './state/flow.js';
import { progress, update } from './state/progress.js';
import { StepForm } from './step-form.js';

/** Asks for the owner's password again: the store exists, and the page was reloaded or its login has ended. */
export function OwnerLogin() {
  // Both can be edited: if no response to the store's creation arrived, it may have been created with earlier values.
  const store = useSignal(progress.peek().store.store_id);
  const username = useSignal(progress.peek().username);
  const password = useSignal('');
  const tries = useSignal(0);
  const isBusy = useSignal(false);
  const failure = useSignal('');
  const missing = (/** @type {string} */ value) => (tries.value > 0 && !value.trim() ? t('required') : '');
  const errors = [store.value, username.value, password.value].map(missing);
  const submit = async () => {
    tries.value += 1;
    failure.value = '';
    if ([store, username, password].some(({ value }) => !value.trim())) return;
    const { store: known } = progress.peek();
    update({ store: { ...known, store_id: store.value.trim() }, username: username.value.trim() });
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
    <p>${t('setup.login.text')}</p>
    <${StepForm} submit=${t('staff.login.submit')} isBusy=${isBusy.value} failure=${failure.value} hasErrors=${errors.some(Boolean)} tries=${tries.value} onSubmit=${submit}>
      <${Field} name="store" label=${t('pair.store')} value=${store.value} error=${errors[0]}
        onInput=${(/** @type {string} */ value) => {
          store.value = value;
        }} />
      <${Field} name="username" autocomplete="username" label=${t('staff.login.username')} value=${username.value} error=${errors[1]}
        onInput=${(/** @type {string} */ value) => {
          username.value = value;
        }} />
      <${Field} name="password" type="password" autocomplete="current-password" label=${t('staff.login.password')} value=${password.value} error=${errors[2]}
        onInput=${(/** @type {string} */ value) => {
          password.value = value;
        }} />
    <//>`;
}
