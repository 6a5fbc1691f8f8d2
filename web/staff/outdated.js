import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { isOutdated, refresh, tables } from './state/board.js';

/** Says that orders and totals may be old, although the stream is connected. */
export function Outdated() {
  if (!isOutdated.value || tables.value === null) return null;
  return html`<div class="alert outdated" role="alert">
    <p>${t('staff.outdated')}</p>
    <${Button} onPress=${refresh}>${t('retry')}<//>
  </div>`;
}
