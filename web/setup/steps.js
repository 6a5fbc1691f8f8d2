import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Icon } from '../ui/icon.js';

const STEPS = ['store', 'owner', 'tables', 'finish'];

/** The list of steps, with the current one marked. @param {{ step: string }} props */
export function Steps({ step }) {
  // The login is part of the owner's step.
  const at = STEPS.indexOf(step === 'login' ? 'owner' : step);
  return html`<ol class="setup-steps" aria-label=${t('setup.steps')}>
    ${STEPS.map((name, index) => html`<li key=${name} aria-current=${index === at ? 'step' : undefined} class=${index < at ? 'done' : ''}>
      <span class="setup-step-number" aria-hidden="true">${index < at ? html`<${Icon} name="check" />` : index + 1}</span>
      <span>${t(`setup.step.${name}`)}${index < at && html`<span class="visually-hidden">, ${t('setup.done')}</span>`}</span>
    </li>`)}
  </ol>`;
}
