import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { ConnectionBadge } from '../ui/connection-badge.js';
import { LanguageSelect } from '../ui/language-select.js';
import { account, login } from './state/account.js';
import { leave, section, stream } from './state/live.js';

export function Header() {
  const current = section();
  return html`<header class="page-header">
    <h1>${account.value?.store_name}</h1>
    <${ConnectionBadge} stream=${stream} />
    <a class="button plain" href="/staff">${t('office.to_staff')}</a>
    <a class="button plain" href="/order">${t('office.to_order')}</a>
    <${LanguageSelect} login=${login} />
    <${Button} kind="plain" onPress=${leave}>${t('staff.sign_out')}<//>
  </header>
  <nav class="sections" aria-label=${t('office.title')}>
    ${['menu', 'tables', 'users', 'audit'].map((name) => html`<a key=${name} class="section-link" href=${`#${name}`}
      aria-current=${current === name ? 'page' : undefined}>${t(`office.nav.${name}`)}</a>`)}
  </nav>`;
}
