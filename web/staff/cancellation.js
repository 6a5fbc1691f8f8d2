// The cancellations of orders on this page.
import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { shortNumber } from '../lib/order-number.js';
import { effect, signal, untracked } from '../lib/preact.js';
import { account, request } from './state/account.js';
import { cancelled } from './state/board.js';
import { offerUndo, withdrawUndo } from './undo-bar.js';

/** @typedef {{ wasOld: boolean }} Cancellation `wasOld`: whether the order was already of an earlier party */

/** The cancellations on this page, by order id. @type {import('../vendor/signals.mjs').Signal<ReadonlyMap<number, Cancellation>>} */
export const ours = signal(new Map());

/** Unsent reasons of closed dialogs, by order id. @type {Map<number, string>} */
export const reasons = new Map();

/** What to do when a sent cancellation is known to be made, by order id. @type {Map<number, () => void>} */
const unconfirmed = new Map();

// An event confirms a cancellation whose response is late or lost.
effect(() => {
  const ids = cancelled.value;
  for (const [id, confirm] of unconfirmed) if (ids.has(id)) untracked(confirm);
});

// The next user does not undo the actions of this one.
effect(() => {
  if (account.value === null) unconfirmed.clear();
});

/**
 * @param {import('wire').Order} order
 * @param {boolean} isOld whether the order is of an earlier party
 * @param {string} reason for the audit log
 */
export async function cancelOrder(order, isOld, reason) {
  const { id } = order;
  let isConfirmed = false;
  const confirm = () => {
    if (isConfirmed) return;
    isConfirmed = true;
    unconfirmed.delete(id);
    reasons.delete(id);
    ours.value = new Map([...ours.peek(), [id, { wasOld: isOld }]]);
    const text = t('staff.cancelled', { number: shortNumber(order) });
    offerUndo(`order-${id}`, text, () => request('POST', `/admin/orders/${id}/restore`));
  };
  const wasSent = unconfirmed.has(id);
  unconfirmed.set(id, confirm);
  try {
    await request('DELETE', `/admin/orders/${id}?reason=${encodeURIComponent(reason)}`);
    confirm();
  } catch (thrown) {
    if (wasSent || asApiError(thrown).mayBeDone) {
      if (isConfirmed) return;
    } else {
      // The event, if there was one, was about a cancellation by another user.
      unconfirmed.delete(id);
      forgetCancellation(id);
      withdrawUndo(`order-${id}`);
    }
    throw thrown;
  }
}

/** Removes an order that is live again. @param {number} id */
export function forgetCancellation(id) {
  if (ours.peek().has(id)) ours.value = new Map([...ours.peek()].filter(([one]) => one !== id));
}
