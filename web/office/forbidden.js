import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { LanguageSelect } from '../ui/language-select.js';
import { account, login } from './state/account.js';
import { leave } from './state/live.js';

/** Explains to a user with another role than owner why the page is closed, and links to the staff page. */
export function Forbidden() {
  const { username = '', store_name = '' } = account.value ?? {};
  return html`<main class="entry">
    <div class="entry-card">
      <p class="muted">${store_name}</p>
      <h1>${t('office.forbidden.title')}</h1>
      <p>${t('office.forbidden.text', { name: username })}</p>
      <p class="muted">${t('office.forbidden.hint')}</p>
      <a class="button primary wide" href="/staff">${t('office.to_staff')}</a>
      <${Button} class="wide" onPress=${leave}>${t('office.forbidden.other')}<//>
    </div>
    <${LanguageSelect} login=${login} />
  </main>`;
}
