import { t } from '../lib/i18n.js';
import { html, useEffect } from '../lib/preact.js';
import { LoginDialog } from '../ui/login-dialog.js';
import { LoginPage } from '../ui/login-page.js';
import { Toast } from '../ui/toast.js';
import { AuditSection } from './audit-section.js';
import { DemoNotice } from './demo-notice.js';
import { Forbidden } from './forbidden.js';
import { Header } from './header.js';
import { MenuSection } from './menu-section.js';
import { account, hasEnded, login } from './state/account.js';
import { leave, section, start } from './state/live.js';
import { TablesSection } from './tables-section.js';
import { UsersSection } from './users-section.js';

const SECTIONS = { menu: MenuSection, tables: TablesSection, users: UsersSection, audit: AuditSection };

export function App() {
  const { token, role, store_name } = account.value ?? {};
  const title = store_name ? `${t(`office.nav.${section()}`)} · ${store_name}` : t('office.title');
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    if (token) start();
  }, [token, role]);
  return html`${content()}
    ${hasEnded.value && html`<${LoginDialog} login=${login} onDone=${() => {}} onLeave=${leave} />`}
    <${Toast} />`;
}

function content() {
  if (!account.value) return html`<${LoginPage} login=${login} title=${t('office.login.title')} />`;
  if (account.value.role !== 'owner') return html`<${Forbidden} />`;
  const name = /** @type {keyof typeof SECTIONS} */ (section());
  return html`<${Header} /><main class="office"><${SECTIONS[name]} key=${name} /><${DemoNotice} /></main>`;
}
