import { LANGUAGES, language, t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';

/** @param {{ login: import('../lib/login.js').Login }} props */
export function LanguageSelect({ login }) {
  return html`<label class="language">
    <span class="visually-hidden">${t('language')}</span>
    <select value=${language.value} onChange=${(/** @type {any} */ event) => login.chooseLanguage(event.target.value)}>
      ${LANGUAGES.map(({ code, name }) => html`<option key=${code} value=${code} lang=${code}>${name}</option>`)}
    </select>
  </label>`;
}
