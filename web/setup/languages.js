import { LANGUAGES, language, t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { chooseLanguage } from './state/progress.js';

export function Languages() {
  return html`<div class="setup-languages" role="group" aria-label=${t('language')}>
    ${LANGUAGES.map(({ code, name }) => html`<button type="button" key=${code} lang=${code} class="button plain"
      aria-pressed=${language.value === code ? 'true' : 'false'} onClick=${() => chooseLanguage(code)}>${name}</button>`)}
  </div>`;
}
