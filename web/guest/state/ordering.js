// Places orders from the cart.
import { call } from '../../lib/api.js';
import { language, t } from '../../lib/i18n.js';
import { computed, signal } from '../../lib/preact.js';
import { OrderQueue } from '../../lib/queue.js';
import { randomKey } from '../../lib/random.js';
import { clockTime, serverNow } from '../../lib/time.js';
import { device } from './device.js';
import { load, markSoldOut } from './menu.js';
import { refresh } from './orders.js';
import { add, emptyCart, note, setNote } from './party.js';
import { authorized, isConfirmed } from './session.js';

/** The server refuses an order that arrives later than this, because the guests have probably asked staff by then. */
const LIFETIME = 30 * 60_000;

/** @typedef {import('../../lib/queue.js').QueuedOrder} QueuedOrder */

/**
 * What happens to an order without a response.
 *
 * @param {QueuedOrder} order
 */
export function waitingHint({ not_after }) {
  const time = clockTime(not_after, language.value);
  return t(queue.isStored.value ? 'progress.waiting.hint' : 'progress.waiting.unsaved', { time });
}

/** The key of the order in the progress dialog. */
export const followed = signal('');

/** The order that was placed last. @type {import('../../vendor/signals.mjs').Signal<{ key: string, order: import('wire').Order } | null>} */
export const placed = signal(null);

export const queue = new OrderQueue({
  name: 'guest.queue',
  send: ({ key, body }) =>
    authorized((token) => call('POST', '/customer/orders', { token, body, headers: { 'Idempotency-Key': key } })),
  maySend: (order) => order.session_id === device.value?.session_id,
  onPlaced: ({ key }, order) => {
    placed.value = { key, order };
    refresh();
  },
  onRefused: returnToCart,
});

/** Orders of this session without a response yet. */
export const waiting = computed(() =>
  queue.orders.value.filter((order) => order.state === 'queued' && order.session_id === device.value?.session_id),
);

/** Refused orders of this session, until the guest dismisses them. */
export const refused = computed(() =>
  queue.orders.value.filter((order) => order.state === 'refused' && order.session_id === device.value?.session_id),
);

/**
 * Places the order that the guest has confirmed. It is stored synchronously, before it is sent.
 *
 * @param {import('./cart.js').Cart} cart as it was shown
 */
export function place(cart) {
  const paired = device.value;
  if (!paired || cart.lines.length === 0 || cart.hasSoldOut || cart.hasChanges) return;
  const queuedAt = serverNow();
  const notAfter = queuedAt + LIFETIME;
  const items = cart.lines.map(({ line }) => ({ menu_id: line.menu_id, quantity: line.quantity }));
  const order = {
    items,
    note: cart.note.trim() || undefined,
    menu_version: cart.version,
    session_id: paired.session_id,
    not_after: new Date(notAfter).toISOString(),
  };
  const key = randomKey();
  followed.value = key;
  queue.add({
    key,
    session_id: paired.session_id,
    body: JSON.stringify(order),
    lines: cart.lines.map(({ line }) => line),
    note: cart.note,
    queued_at: queuedAt,
    not_after: notAfter,
    state: 'queued',
    isUnconfirmed: !isConfirmed(paired.session_id),
  });
  emptyCart();
}

/**
 * The order for another session of the same guests. It keeps its key, because the server's check of repeated orders
 * does not compare the session.
 *
 * @param {number} session
 * @param {QueuedOrder} order
 */
export function inSession(session, order) {
  return { ...order, session_id: session, body: JSON.stringify({ ...JSON.parse(order.body), session_id: session }) };
}

/**
 * The session is open, so its unconfirmed orders are of its guests.
 *
 * @param {number} session
 */
export function keepForSession(session) {
  if (!queue.orders.peek().some((order) => order.session_id === session && order.isUnconfirmed)) return;
  queue.forSession(session, (order) => ({ ...order, isUnconfirmed: false }));
}

/**
 * Removes the orders of a session that has ended. Its unconfirmed orders are of the guests who came after it: they move
 * to the session of these guests, as refused orders with their lines in the cart. They are not sent again: one of them
 * may be of the guests who have left.
 *
 * @param {number} ended
 * @param {number} session
 */
export function moveUnconfirmed(ended, session) {
  queue.forSession(ended, (order) => {
    if (!order.isUnconfirmed) return null;
    fillCart(order);
    return { ...order, session_id: session, state: 'refused', code: 'SESSION_MISMATCH', fields: [] };
  });
}

/**
 * The lines that caused the refusal of an order.
 *
 * @param {QueuedOrder} order
 * @param {string[]} fields
 */
export function faultyLines(order, fields) {
  const indexes = fields.map((field) => Number(/^items\[(\d+)\]/.exec(field)?.[1] ?? NaN));
  return order.lines.filter((_, index) => indexes.includes(index));
}

/** @param {QueuedOrder} order */
function fillCart(order) {
  for (const line of order.lines) add(line);
  if (order.note && !note.value) setNote(order.note);
}

/**
 * Puts the lines of a refused order back into the cart, and marks sold-out items.
 *
 * @param {QueuedOrder} order
 * @param {import('../../lib/api.js').ApiError} error
 */
function returnToCart(order, { code, body }) {
  if (code === 'SESSION_ENDED') return;
  fillCart(order);
  if (code === 'MENU_UNAVAILABLE' || code === 'MENU_NOT_FOUND') {
    const fields = (body.details ?? []).map(({ field }) => field);
    markSoldOut(faultyLines(order, fields).map((line) => line.menu_id));
  }
  load(body.menu_version);
}
