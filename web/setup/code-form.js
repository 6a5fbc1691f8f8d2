import { t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { Field } from '../ui/field.js';
import { Form } from './form.js';
import { start } from './state/flow.js';
import { enterCode } from './state/progress.js';

/** Asks for the code where the page was opened without it. */
export function CodeForm() {
  const code = useSignal('');
  const tries = useSignal(0);
  const error = tries.value > 0 && !code.value.trim() ? t('pair.required') : '';
  const submit = () => {
    tries.value += 1;
    if (!code.value.trim()) return;
    enterCode(code.value.trim());
    start();
  };
  return html`<h1 tabindex="-1">${t('setup.code.title')}</h1>
    <p>${t('setup.code.text')}</p>
    <${Form} submit=${t('setup.next')} isBusy=${false} hasErrors=${Boolean(error)} tries=${tries.value} onSubmit=${submit}>
      <${Field} name="code" label=${t('setup.code.label')} hint=${t('setup.code.hint')} value=${code.value} error=${error}
        onInput=${(/** @type {string} */ value) => {
          code.value = value;
        }} />
    <//>`;
}
