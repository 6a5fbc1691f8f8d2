import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { phase, refusal } from './state/flow.js';
import { enterCode } from './state/progress.js';

/** Explains why the user cannot set up a store, and what to do. */
export function Refused() {
  const code = refusal.value;
  const enter = () => {
    // Keep an invalid code, which may have a typing error. Remove an expired one.
    if (code !== 'SETUP_CODE_INVALID') enterCode('');
    phase.value = 'code';
  };
  return html`<h1 tabindex="-1">${t(`setup.refused.${code}`)}</h1>
    <p>${t(`setup.refused.text.${code}`)}</p>
    ${code === 'SETUP_CLOSED'
      ? html`<div class="setup-buttons"><a class="button" href="/staff">${t('setup.staff')}</a><a class="button" href="/office">${t('setup.office')}</a></div>`
      : html`<div class="setup-buttons"><${Button} onPress=${enter}>${t('setup.refused.enter')}<//></div>`}`;
}
