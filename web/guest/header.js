import { LANGUAGES, language, t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { open } from '../lib/view.js';
import { ConnectionBadge } from '../ui/connection-badge.js';
import { Icon } from '../ui/icon.js';
import { device } from './state/device.js';
import { stream } from './state/live.js';
import { orders } from './state/orders.js';

export function Header() {
  const { store_name = '', table_number = 0 } = device.value ?? {};
  const count = orders.value?.length ?? 0;
  const name = LANGUAGES.find(({ code }) => code === language.value)?.name;
  return html`<header class="header">
    <h1 class="header-title">
      <span class="header-store">${store_name}</span>
      <span class="header-table">${t('app.table', { number: table_number })}</span>
    </h1>
    <${ConnectionBadge} stream=${stream} />
    <button type="button" class="button plain header-button" onClick=${() => open('settings')} aria-label=${`${name} · ${t('settings.title')} · Language`}>
      <${Icon} name="globe" /><span class="header-label">${name}</span>
    </button>
    <button type="button" class="button plain header-button" onClick=${() => open('orders')}
      aria-label=${count > 0 ? `${t('orders.open')} ${count}` : t('orders.open')}>
      <${Icon} name="orders" /><span class="header-label">${t('orders.open')}</span>
      ${count > 0 && html`<span class="count" aria-hidden="true">${count}</span>`}
    </button>
  </header>`;
}
