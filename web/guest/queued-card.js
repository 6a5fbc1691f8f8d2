import { language, t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { clockTime } from '../lib/time.js';
import { open } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { Money } from '../ui/money.js';
import { Refusal } from './refusal.js';
import { queue, waitingHint } from './state/ordering.js';

/** A queued or refused order. @param {{ order: import('../lib/queue.js').QueuedOrder }} props */
export function QueuedCard({ order }) {
  const isRefused = order.state === 'refused';
  const state = isRefused ? 'refused' : queue.sending.value === order.key && !queue.problem.value ? 'sending' : 'waiting';
  const check = () => {
    queue.remove(order.key);
    open('review');
  };
  return html`<article class=${`order queued ${state}`}>
    <header class="order-head">
      <h3>${t(`status.${state}`)}</h3>
      <time class="muted">${clockTime(order.queued_at, language.value)}</time>
    </header>
    <ul class="order-lines">
      ${order.lines.map((line) => html`<li key=${line.menu_id}>
        <span>${line.name}</span><span class="muted">×${line.quantity}</span><${Money} amount=${line.price * line.quantity} />
      </li>`)}
    </ul>
    ${isRefused && html`<${Refusal} order=${order} />`}
    ${state === 'waiting' && html`<p>${waitingHint(order)}</p>`}
    ${isRefused && html`<${Button} kind="primary" onPress=${check}>${t('progress.check')}<//>`}
  </article>`;
}
