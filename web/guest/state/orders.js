// The orders of this session. After each event the whole list is read again, which is simpler than applying events. The
// server's list has no cancelled orders, so the page stores them and notifies the guests.
import { asApiError, call } from '../../lib/api.js';
import { t } from '../../lib/i18n.js';
import { batch, computed, signal } from '../../lib/preact.js';
import { backoff } from '../../lib/random.js';
import { shortNumber } from '../../lib/order-number.js';
import { read, remove, write } from '../../lib/store.js';
import { announce } from '../../ui/toast.js';
import { device } from './device.js';
import { authorized, end } from './session.js';

const NAME = 'guest.orders';

/** @typedef {import('wire').Order & { isCancelled?: boolean }} Order */

/** @typedef {{ id: number, number: string, kind: 'cancelled' | 'restored' }} StatusNotice */

/** @typedef {{ session_id: number, orders: Order[], news: StatusNotice[] }} Known */

/** Newest first; null before they are loaded. @type {import('../../vendor/signals.mjs').Signal<Order[] | null>} */
export const orders = signal(null);

/** Notices that the guests have not seen. @type {import('../../vendor/signals.mjs').Signal<StatusNotice[]>} */
export const news = signal([]);

/** The last list, stored for a reload. @type {import('../../vendor/signals.mjs').Signal<Known>} */
const known = signal({ session_id: 0, orders: [], news: [] });

/** The total of the session. */
export const total = signal(0);

/** @type {import('../../vendor/signals.mjs').Signal<import('../../lib/api.js').ApiError | null>} */
export const failure = signal(null);

/** Whether the party has ordered something. */
export const hasOrdered = computed(() => (orders.value ?? known.value.orders).length > 0);

/** Whether `total` is what the server had after the last event. */
export function isCurrent() {
  return orders.peek() !== null && failure.peek() === null && !isLoading;
}

let isStale = false;
let isLoading = false;
let failures = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let retry;

/** Loads the orders. If they are already loading, loads them once more afterwards. */
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
      const isRunning = list.orders.length > 0 || known.peek().orders.length === 0 || (await check(session_id));
      if (device.value?.session_id !== session_id) isStale = true;
      // Not the list of a session that has ended in the meantime.
      else if (isRunning && known.peek().session_id === session_id) show(list);
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

/**
 * Whether the session is still open. The list of an ended session is empty although its orders were not cancelled.
 *
 * @param {number} session
 */
async function check(session) {
  const { valid } = await authorized((token) => call('GET', '/customer/auth/session/check', { token }));
  if (!valid) end(session);
  return valid;
}

/**
 * Continues with the stored orders of a session, or with none.
 *
 * @param {number} session
 */
export function enter(session) {
  const kept = /** @type {Known | null} */ (read(NAME));
  if (kept?.session_id === session) reset(kept);
  else clear(session);
}

/** Removes the orders of the last party. */
export function clear(session = 0) {
  remove(NAME);
  reset({ session_id: session, orders: [], news: [] });
}

/** @param {Known} next */
function reset(next) {
  batch(() => {
    known.value = next;
    orders.value = null;
    total.value = 0;
    news.value = next.news;
  });
}

/** The guests have looked at the list. */
export function markSeen() {
  if (news.peek().length > 0) keep({ ...known.peek(), news: [] });
}

/** @param {Known} next */
function keep(next) {
  write(NAME, next);
  batch(() => {
    known.value = next;
    news.value = next.news;
  });
}

/** @param {import('wire').OrderList} list */
function show({ orders: present, total_amount }) {
  const ids = new Set(present.map(({ id }) => id));
  const before = known.peek();
  const gone = before.orders.filter(({ id }) => !ids.has(id)).map((order) => ({ ...order, isCancelled: true }));
  const all = /** @type {Order[]} */ ([...present, ...gone]).sort((one, other) => Date.parse(other.created_at) - Date.parse(one.created_at));
  let unseen = before.news;
  for (const order of all) {
    const last = before.orders.find(({ id }) => id === order.id);
    if (!last || statusOf(last) === statusOf(order)) continue;
    announce(t('orders.changed', { number: shortNumber(order), status: t(`status.${statusOf(order)}`) }));
    if (Boolean(last.isCancelled) === Boolean(order.isCancelled)) continue;
    const kind = order.isCancelled ? 'cancelled' : 'restored';
    unseen = [...unseen.filter(({ id }) => id !== order.id), { id: order.id, number: shortNumber(order), kind }];
  }
  batch(() => {
    keep({ ...before, orders: all, news: unseen });
    orders.value = all;
    total.value = total_amount;
  });
}

/** @param {Order} order */
export function statusOf({ status, isCancelled }) {
  return isCancelled ? 'cancelled' : status;
}
