import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { open, view } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { refused, waiting, queue } from './state/ordering.js';

/** What has become of orders whose progress nobody watches. It lies over the page and moves nothing. */
export function Notices() {
  const isWatched = view.value.name === 'progress' || view.value.name === 'orders';
  const hasWaiting = waiting.value.length > 0 && queue.problem.value !== '';
  const text = refused.value.length > 0 ? t('notice.refused') : hasWaiting ? t('notice.waiting', { count: waiting.value.length }) : '';
  return html`<div class="notices" role="status">
    ${text && !isWatched && html`<div class=${refused.value.length > 0 ? 'notice danger' : 'notice'}>
      <${Icon} name=${refused.value.length > 0 ? 'warn' : 'wait'} /><p>${text}</p>
      <${Button} onPress=${() => open('orders')}>${t('notice.look')}<//>
    </div>`}
  </div>`;
}
