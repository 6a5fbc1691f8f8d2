import { LANGUAGES, language, t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';

/** @param {{ onChoose: (code: import('../lib/i18n.js').Language) => void }} props */
export function LanguageButtons({ onChoose }) {
  return html`<div class="languages" role="group" aria-label=${t('language')}>
    ${LANGUAGES.map(({ code, name }) => html`<button type="button" key=${code} lang=${code} class="button plain"
      aria-pressed=${language.value === code ? 'true' : 'false'} onClick=${() => onChoose(code)}>${name}</button>`)}
  </div>`;
}
