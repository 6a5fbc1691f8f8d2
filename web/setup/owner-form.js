import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { create, refusedFields } from './state/flow.js';
import { progress, update } from './state/progress.js';
import { StepForm } from './step-form.js';

/** The shortest password that the server accepts. */
export const SHORTEST = 4;

export function OwnerForm() {
  const { username } = progress.value;
  const password = useSignal('');
  const repeated = useSignal('');
  const tries = useSignal(0);
  const isBusy = useSignal(false);
  const failure = useSignal('');
  const isTried = tries.value > 0;
  const errors = {
    username: isTried && !username.trim() ? t('required') : (refusedFields.value['owner.username'] ?? ''),
    password: isTried && password.value.length < SHORTEST ? t('setup.short') : (refusedFields.value['owner.password'] ?? ''),
    repeated: isTried && repeated.value !== password.value ? t('setup.owner.differs') : '',
  };
  const submit = async () => {
    tries.value += 1;
    failure.value = '';
    refusedFields.value = {};
    if (!username.trim() || password.value.length < SHORTEST || repeated.value !== password.value) return;
    update({ username: username.trim() });
    isBusy.value = true;
    try {
      await create(password.value);
    } catch (thrown) {
      failure.value = asApiError(thrown).text;
    } finally {
      isBusy.value = false;
      tries.value += 1;
    }
  };
  const back = () => !isBusy.value && update({ step: 'store' });
  return html`<h1 tabindex="-1">${t('setup.owner.title')}</h1>
    <p>${t('setup.owner.text')}</p>
    <${StepForm} submit=${t(isBusy.value ? 'setup.owner.sending' : 'setup.owner.submit')} isBusy=${isBusy.value} failure=${failure.value}
      hasErrors=${Object.values(errors).some(Boolean)} tries=${tries.value} onSubmit=${submit}
      extra=${html`<${Button} onPress=${back} isDisabled=${isBusy.value}>${t('setup.back')}<//>`}>
      <${Field} name="username" label=${t('staff.login.username')} autocomplete="username" value=${username} error=${errors.username}
        onInput=${(/** @type {string} */ value) => update({ username: value })} />
      <${Field} name="password" type="password" autocomplete="new-password" label=${t('staff.login.password')} hint=${t('setup.owner.password.hint')}
        value=${password.value} error=${errors.password} onInput=${(/** @type {string} */ value) => {
          password.value = value;
        }} />
      <${Field} name="repeated" type="password" autocomplete="new-password" label=${t('setup.owner.repeat')}
        value=${repeated.value} error=${errors.repeated} onInput=${(/** @type {string} */ value) => {
          repeated.value = value;
        }} />
    <//>`;
}
