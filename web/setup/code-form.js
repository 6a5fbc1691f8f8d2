import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { Field } from '../ui/field.js';
import { tryCode } from './state/flow.js';
import { plainCode, progress } from './state/progress.js';
import { StepForm } from './step-form.js';

/** Asks for the code if the page was opened without it. */
export function CodeForm() {
  const code = useSignal(progress.value.code);
  const tries = useSignal(0);
  const isBusy = useSignal(false);
  /** The key of the text that explains what is wrong with the code. */
  const fault = useSignal('');
  const failure = useSignal('');
  const submit = async () => {
    const plain = plainCode(code.value);
    failure.value = '';
    fault.value = !plain ? 'required' : /^[0-9a-f]{20}$/.test(plain) ? '' : 'setup.code.wrong';
    tries.value += 1;
    if (fault.value) return;
    isBusy.value = true;
    try {
      await tryCode(plain);
    } catch (thrown) {
      const error = asApiError(thrown);
      if (error.code === 'SETUP_CODE_INVALID') fault.value = 'setup.code.other';
      else failure.value = error.text;
      tries.value += 1;
    } finally {
      isBusy.value = false;
    }
  };
  return html`<h1 tabindex="-1">${t('setup.code.title')}</h1>
    <p>${t('setup.code.text')}</p>
    <${StepForm} submit=${t('setup.next')} isBusy=${isBusy.value} failure=${failure.value} hasErrors=${Boolean(fault.value)} tries=${tries.value} onSubmit=${submit}>
      <${Field} name="code" label=${t('setup.code.label')} hint=${t('setup.code.hint')} value=${code.value} error=${fault.value && t(fault.value)}
        onInput=${(/** @type {string} */ value) => {
          code.value = value;
          fault.value = '';
        }} />
    <//>`;
}
