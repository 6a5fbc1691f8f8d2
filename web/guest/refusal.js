import { ApiError } from '../lib/api.js';
import { html } from '../lib/preact.js';
import { faultyLines } from './state/ordering.js';

/** Why an order was refused, and for which lines. @param {{ order: import('../lib/queue.js').QueuedOrder }} props */
export function Refusal({ order }) {
  const { text } = new ApiError(409, { code: order.code, message: order.message });
  const lines = faultyLines(order, order.fields ?? []);
  return html`<p role="alert">${text}</p>
    ${lines.length > 0 && html`<ul class="faults">${lines.map((line) => html`<li key=${line.menu_id}><strong>${line.name}</strong></li>`)}</ul>`}`;
}
