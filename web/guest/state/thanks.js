// The thank-you page for the guests whose session has ended.
import { call } from '../../lib/api.js';
import { computed, signal } from '../../lib/preact.js';
import { device } from './device.js';
import { queue } from './ordering.js';
import * as orders from './orders.js';
import { startNextSession } from './session.js';

/** @typedef {import('../../lib/queue.js').QueuedOrder} QueuedOrder */

/**
 * The session that has ended. `total` is 0 if it is unknown, `unsent` has the orders that could not be delivered.
 *
 * @typedef {{ session: number, total: number, unsent: QueuedOrder[] }} EndedSession
 */

/** @type {import('../../vendor/signals.mjs').Signal<EndedSession>} */
export const endedSession = signal({ session: 0, total: 0, unsent: [] });

/** Whether the tablet has a session for the next guests. */
export const isReady = computed(() => device.value?.session_id !== endedSession.value.session);

/** The session whose bill and orders the page may show; 0 after its guests have left. */
let thankedSession = 0;

/** Call it before the orders of the session are removed. @param {number} session */
export function thank(session) {
  const unsent = queue.orders.peek().filter((order) => order.session_id === session && order.state === 'queued');
  // Show no total rather than one that differs from the bill.
  const total = orders.isCurrent() && unsent.length === 0 ? orders.total.peek() : 0;
  endedSession.value = { session, total, unsent: [] };
  thankedSession = session;
  retry(unsent, session, device.peek()?.token ?? '');
}

/** Hides the bill and the orders of guests who have left. */
export function dismissThanks() {
  thankedSession = 0;
  endedSession.value = { ...endedSession.peek(), total: 0, unsent: [] };
  if (isReady.peek()) startNextSession();
}

/**
 * Sends the queued orders of an ended session once more with its token, because an order may have been placed without a
 * response. The page lists the others.
 *
 * @param {QueuedOrder[]} unsent
 * @param {number} session
 * @param {string} token
 */
async function retry(unsent, session, token) {
  for (const order of unsent) {
    const { key, body } = order;
    try {
      await call('POST', '/customer/orders', { token, body, headers: { 'Idempotency-Key': key } });
    } catch {
      if (thankedSession === session) endedSession.value = { ...endedSession.value, unsent: [...endedSession.value.unsent, order] };
    }
  }
}
