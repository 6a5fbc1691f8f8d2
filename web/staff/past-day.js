import { language, t } from '../lib/i18n.js';
import { shortNumber } from '../lib/order-number.js';
import { html } from '../lib/preact.js';
import { clockTime } from '../lib/time.js';
import { Money } from '../ui/money.js';

/** @typedef {import('wire').PastOrder} PastOrder */

/**
 * The past orders of a business day, by party. The total is shown only if all orders are loaded.
 *
 * @param {{ day: string, orders: PastOrder[], isWhole: boolean }} props
 */
export function PastDay({ day, orders, isWhole }) {
  const parties = groups(orders, ({ session_id }) => String(session_id));
  return html`<section class="day">
    <header class="day-head"><h3>${day}</h3>
      ${isWhole && html`<p>${t('staff.orders', { count: orders.length })} · <${Money} amount=${sum(orders)} /></p>`}</header>
    ${parties.map(([id, some], n) => html`<section key=${id} class="party" aria-label=${period(some)}>
      <header class="day-head"><h4>${period(some)}</h4>
        ${(isWhole || n < parties.length - 1) && html`<p><${Money} amount=${sum(some)} /></p>`}</header>
      <ul>${some.map((order) => html`<li key=${order.id} class="past-order">
        <p><strong>${t('orders.number', { number: shortNumber(order) })}</strong>
          ${' '}<time class="muted" datetime=${order.ordered_at}>${clockTime(order.ordered_at, language.value)}</time></p>
        <${Money} amount=${order.total_amount} />
        <p class="past-items">${order.items.map((item) => `${item.menu_name} ${item.quantity}`).join(', ')}</p>
      </li>`)}</ul>
    </section>`)}
  </section>`;
}

/** The time from the first order of a party to its completion. @param {PastOrder[]} orders newest first */
function period(orders) {
  const [last] = orders;
  const first = orders.at(-1);
  if (!first || !last) return '';
  return t('staff.history.party', { from: clockTime(first.ordered_at, language.value), to: clockTime(last.completed_at, language.value) });
}

/** @param {PastOrder[]} orders */
function sum(orders) {
  return orders.reduce((total, { total_amount }) => total + total_amount, 0);
}

/**
 * @param {PastOrder[]} orders
 * @param {(order: PastOrder) => string} keyOf
 * @returns {[string, PastOrder[]][]} in the order of the first element of each group
 */
export function groups(orders, keyOf) {
  /** @type {Map<string, PastOrder[]>} */
  const found = new Map();
  for (const order of orders) {
    const key = keyOf(order);
    found.set(key, [...(found.get(key) ?? []), order]);
  }
  return [...found];
}
