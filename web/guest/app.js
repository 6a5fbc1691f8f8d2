import { t } from '../lib/i18n.js';
import { html, useEffect } from '../lib/preact.js';
import { view } from '../lib/view.js';
import { Toast } from '../ui/toast.js';
import { Notices } from './notices.js';
import { Pairing } from './pairing.js';
import { Shop } from './shop.js';
import { device } from './state/device.js';
import { phase } from './state/session.js';
import { Thanks } from './thanks.js';

export function App() {
  const title = device.value ? `${t('title')} · ${device.value.store_name}` : t('title');
  useEffect(() => {
    document.title = title;
  }, [title]);
  const isShop = phase.value === 'open' && view.value.name !== 'pair';
  return html`${isShop ? html`<${Shop} />` : entry()}<${Toast}>${isShop && html`<${Notices} />`}<//>`;
}

function entry() {
  return phase.value === 'ended' ? html`<${Thanks} />` : html`<${Pairing} />`;
}
