import { t } from '../lib/i18n.js';
import { html, useEffect } from '../lib/preact.js';
import { LoginDialog } from '../ui/login-dialog.js';
import { LoginPage } from '../ui/login-page.js';
import { Toast } from '../ui/toast.js';
import { Board } from './board.js';
import { account, hasEnded, login } from './state/account.js';
import { Notices } from './notices.js';
import { interruption } from './state/alarm.js';
import { leave, resume, unseenCount } from './state/board.js';
import { UndoBar } from './undo-bar.js';

/** For the title, which a browser shows even if another tab is open. */
const WARNINGS = { login: 'staff.login.again', connection: 'badge.offline' };

export function App() {
  const name = account.value ? `${account.value.store_name} · ${t('staff.title')}` : t('staff.title');
  const counted = account.value && unseenCount.value > 0 ? `(${unseenCount.value}) ${name}` : name;
  const title = interruption.value ? `⚠ ${t(WARNINGS[interruption.value])} · ${counted}` : counted;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return html`${account.value ? html`<${Board} />` : html`<${LoginPage} login=${login} title=${t('staff.login.title')} />`}
    ${hasEnded.value && html`<${LoginDialog} login=${login} onDone=${resume} onLeave=${leave} />`}
    <${UndoBar}>${account.value && html`<${Notices} />`}<//>
    <${Toast} />`;
}
