import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { plainNumber } from '../lib/number.js';
import { html, useSignal } from '../lib/preact.js';
import { Field } from '../ui/field.js';
import { SHORTEST } from './owner-form.js';
import { made, makeTables } from './state/flow.js';
import { progress, update } from './state/progress.js';
import { StepForm } from './step-form.js';

/** The largest number of tables of a store, unless the server has another setting. */
const MOST = 300;

export function TablesForm() {
  const { count } = progress.value;
  const password = useSignal('');
  const tries = useSignal(0);
  const isBusy = useSignal(false);
  const failure = useSignal('');
  const digits = plainNumber(count);
  const number = /^\d{1,4}$/.test(digits) ? Number(digits) : 0;
  const isInRange = number >= 1 && number <= MOST;
  const isTried = tries.value > 0;
  const errors = {
    count: isTried && !isInRange ? t('setup.tables.range', { most: MOST }) : '',
    password: isTried && password.value.length < SHORTEST ? t('setup.short') : '',
  };
  const submit = async () => {
    tries.value += 1;
    failure.value = '';
    if (!isInRange || password.value.length < SHORTEST) return;
    isBusy.value = true;
    try {
      await makeTables(number, password.value);
    } catch (thrown) {
      failure.value = asApiError(thrown).text;
    } finally {
      isBusy.value = false;
    }
  };
  const label = isBusy.value ? t('setup.tables.making', { made: made.value, count: number }) : t('setup.tables.submit');
  return html`<h1 tabindex="-1">${t('setup.tables.title')}</h1>
    <p>${t('setup.tables.text')}</p>
    <${StepForm} submit=${label} isBusy=${isBusy.value} failure=${failure.value} hasErrors=${Boolean(errors.count || errors.password)} tries=${tries.value} onSubmit=${submit}>
      <${Field} name="count" inputMode="numeric" label=${t('setup.tables.count')} hint=${t('setup.tables.count.hint')} value=${count} error=${errors.count}
        onInput=${(/** @type {string} */ value) => update({ count: value })} />
      <${Field} name="table_password" label=${t('pair.password')} hint=${t('setup.tables.password.hint')} value=${password.value} error=${errors.password}
        onInput=${(/** @type {string} */ value) => {
          password.value = value;
        }} />
    <//>`;
}
