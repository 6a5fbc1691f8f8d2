// The orders of this session. After each event the whole list is read from the server: it is short, and then it is correct.
import { asApiError, call } from '../../lib/api.js';
import { t } from '../../lib/i18n.js';
import { computed, signal } from '../../lib/preact.js';
import { backoff } from '../../lib/random.js';
import { announce } from '../../ui/toast.js';
import { device } from './device.js';
import { authorized } from './session.js';

/** @typedef {import('wire').Order} Order */

/** Newest first; null before they are loaded. @type {import('../../vendor/signals.mjs').Signal<Order[] | null>} */
export const orders = signal(null);

/** The bill. */
export const total = signal(0);

/** @type {import('../../vendor/signals.mjs').Signal<import('../../lib/api.js').ApiError | null>} */
export const failure = signal(null);

/** Whether the party has ordered something. */
export const hasOrdered = computed(() => (orders.value?.length ?? 0) > 0);

let isStale = false;
let isLoading = false;
let failures = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let retry;

/** Loads the orders, once more if it is called while they are loading. */
export async function refresh() {
  isStale = true;
  if (isLoading) return;
  isLoading = true;
  clearTimeout(retry);
  try {
    while (isStale && device.value) {
      isStale = false;
      const { session_id } = device.value;
      const list = await authorized((token) => call('GET', '/customer/orders', { token }));
      if (device.value?.session_id === session_id) show(list);
      else isStale = true;
    }
    failures = 0;
    failure.value = null;
  } catch (error) {
    failure.value = asApiError(error);
    retry = setTimeout(refresh, backoff(failures, 1_000, 30_000));
    failures += 1;
  } finally {
    isLoading = false;
  }
}

/** Forgets the orders of the last party. */
export function clear() {
  orders.value = null;
  total.value = 0;
}

/** @param {import('wire').OrderList} list */
function show({ orders: next, total_amount }) {
  for (const order of next) {
    const before = orders.value?.find(({ id }) => id === order.id);
    if (before && before.status !== order.status) {
      announce(t('orders.changed', { number: shortNumber(order), status: t(`status.${order.status}`) }));
    }
  }
  orders.value = next;
  total.value = total_amount;
}

/**
 * The number that the day's orders are called by.
 *
 * @param {Order} order
 */
export function shortNumber({ order_number }) {
  return order_number.split('-')[1] ?? order_number;
}
