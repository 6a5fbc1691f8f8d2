import { html } from '../lib/preact.js';
import { LanguageButtons } from './language-buttons.js';
import { LoginForm } from './login-form.js';

/** @param {{ login: import('../lib/login.js').Login, title: string }} props */
export function LoginPage({ login, title }) {
  return html`<main class="entry">
    <div class="entry-card">
      <h1>${title}</h1>
      <${LoginForm} login=${login} onDone=${() => {}} />
    </div>
    <${LanguageButtons} onChoose=${login.chooseLanguage} />
  </main>`;
}
