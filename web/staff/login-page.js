import { LANGUAGES, language, t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { LoginForm } from './login-form.js';
import { chooseLanguage } from './state/account.js';

export function LoginPage() {
  return html`<main class="login">
    <div class="login-card">
      <h1>${t('staff.login.title')}</h1>
      <${LoginForm} onDone=${() => {}} />
    </div>
    <div class="languages" role="group" aria-label=${t('language')}>
      ${LANGUAGES.map(({ code, name }) => html`<button type="button" key=${code} lang=${code} class="button plain"
        aria-pressed=${language.value === code ? 'true' : 'false'} onClick=${() => chooseLanguage(code)}>${name}</button>`)}
    </div>
  </main>`;
}
