import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { open, view } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { refused, waiting, queue } from './state/ordering.js';
import { news } from './state/orders.js';

/** Notices about orders that no open dialog shows. They overlay the page, so that nothing moves. */
export function Notices() {
  const { name } = view.value;
  return html`<div class="notices" role="status">
    ${name !== 'orders' && changed('restored')}
    ${name !== 'orders' && changed('cancelled')}
    ${name !== 'orders' && name !== 'progress' && unsent()}
  </div>`;
}

/** The notice of cancelled or restored orders. @param {import('./state/orders.js').StatusNotice['kind']} kind */
function changed(kind) {
  const numbers = news.value.filter((one) => one.kind === kind).map(({ number }) => number);
  return numbers.length > 0 && notice(t(`notice.${kind}`, { numbers: numbers.join(', ') }), kind === 'cancelled');
}

function unsent() {
  if (refused.value.length > 0) return notice(t('notice.refused'), true);
  if (waiting.value.length === 0 || !queue.problem.value) return null;
  return notice(t('notice.waiting', { count: waiting.value.length }), false, 'wait');
}

/**
 * @param {string} text
 * @param {boolean} isDanger
 * @param {string} [icon]
 */
function notice(text, isDanger, icon = 'warn') {
  return html`<div class=${isDanger ? 'notice danger' : 'notice'}>
    <${Icon} name=${icon} /><p>${text}</p>
    <${Button} onPress=${() => open('orders')}>${t('notice.look')}<//>
  </div>`;
}
