import { t } from '../lib/i18n.js';
import { html, useEffect } from '../lib/preact.js';
import { view } from '../lib/view.js';
import { Toast } from '../ui/toast.js';
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
  return html`${screen()}<${Toast} />`;
}

function screen() {
  if (phase.value === 'ended') return html`<${Thanks} />`;
  if (phase.value === 'unpaired' || view.value.name === 'pair') return html`<${Pairing} />`;
  return html`<${Shop} />`;
}
