import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { lastStore } from '../lib/last-store.js';
import { html, useSignal } from '../lib/preact.js';
import { useFailure } from '../lib/reachable.js';
import { Field } from './field.js';

/**
 * The login form. After a login has ended, its store and user name are filled in.
 *
 * @param {{ login: import('../lib/login.js').Login, onDone: () => void }} props
 */
export function LoginForm({ login, onDone }) {
  const store = useSignal(login.account.value?.store_id ?? lastStore());
  const username = useSignal(login.account.value?.username ?? '');
  const password = useSignal('');
  const stays = useSignal(login.isKept());
  const isTried = useSignal(false);
  const isBusy = useSignal(false);
  const failure = useFailure();
  const missing = (/** @type {string} */ value) => (isTried.value && !value.trim() ? t('required') : '');
  const set = (/** @type {import('../vendor/signals.mjs').Signal<string>} */ signal) => (/** @type {string} */ value) => {
    signal.value = value;
  };

  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    isTried.value = true;
    if (isBusy.value || !store.value.trim() || !username.value.trim() || !password.value) return;
    isBusy.value = true;
    failure.value = null;
    try {
      const isSignedIn = await login.signIn({ store_id: store.value.trim(), username: username.value.trim(), password: password.value }, stays.value);
      if (isSignedIn) onDone();
    } catch (error) {
      failure.value = asApiError(error);
    } finally {
      password.value = '';
      isTried.value = false;
      isBusy.value = false;
    }
  };

  return html`<form class="form" noValidate onSubmit=${submit}>
    <${Field} name="store" label=${t('pair.store')} value=${store.value} error=${missing(store.value)} onInput=${set(store)} />
    <${Field} name="username" label=${t('staff.login.username')} value=${username.value} error=${missing(username.value)} onInput=${set(username)} />
    <${Field} name="password" type="password" label=${t('staff.login.password')} value=${password.value} error=${missing(password.value)} onInput=${set(password)} />
    <label class="check">
      <input type="checkbox" checked=${stays.value} onChange=${() => (stays.value = !stays.value)} />
      <span>${t('staff.login.stay')}</span>
    </label>
    ${failure.value && html`<p class="alert" role="alert">${text(failure.value)}</p>`}
    <button type="submit" class="button primary wide" aria-busy=${isBusy.value ? 'true' : undefined}>${t('staff.login.submit')}</button>
  </form>`;
}

/** @param {import('../lib/api.js').ApiError} error */
function text(error) {
  return error.code === 'AUTH_FAILED' ? t('staff.login.failed') : error.text;
}
