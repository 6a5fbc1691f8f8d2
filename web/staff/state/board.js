// The tables and their current orders. A snapshot contains the id of its last event, and the stream continues after
// that event, so each new order is announced once. After an event the snapshot is read again, at most ten times a
// second.
import { asApiError } from '../../lib/api.js';
import { checkBuild, holdReload } from '../../lib/build.js';
import { t } from '../../lib/i18n.js';
import { isUnused } from '../../lib/idle.js';
import { computed, signal } from '../../lib/preact.js';
import { backoff } from '../../lib/random.js';
import { ring, sound } from '../../lib/sound.js';
import { read, write } from '../../lib/store.js';
import { serverNow } from '../../lib/time.js';
import { announce } from '../../ui/toast.js';
import { account, login, request, signOut } from './account.js';
import { keepTableOrder } from './table-order.js';
import { menu, refreshMenu } from './menu.js';

const PAUSE = 100;

/** After this time without a successful reading the page says that it may be outdated. */
const OUTDATED_AFTER = 10_000;

/** The stream may resume after days. An older order makes no sound, and is only marked. */
const RINGS_FOR = 30 * 60_000;
const UNSEEN = 'staff.unseen';

/** @typedef {{ store: string, cursor: string, orders: { order: number, table: number }[] }} Unseen */

/** @type {Unseen} */
const stored = { store: '', cursor: '', orders: [], ...read(UNSEEN) };

/** The snapshot is also read at this interval, because changes of tables have no events. */
const REFRESH_EVERY = 60_000;

/** @typedef {import('./table-order.js').Table} Table */

/** @type {import('../../vendor/signals.mjs').Signal<Table[] | null>} */
export const tables = signal(null);

/** @type {import('../../vendor/signals.mjs').Signal<import('../../lib/api.js').ApiError | null>} */
export const failure = signal(null);

/** Whether the tables that are shown may be old, because reading them has failed for some time. */
export const isOutdated = signal(false);

/** The new orders that were not shown on this page yet, with their tables. @type {import('../../vendor/signals.mjs').Signal<{ order: number, table: number }[]>} */
export const unseen = signal(stored.orders);

/** Incremented by each event, for data that is not in the snapshot. */
export const changes = signal(0);

/** The orders that were cancelled while the page was open. @type {import('../../vendor/signals.mjs').Signal<ReadonlySet<number>>} */
export const cancelled = signal(new Set());

export const unseenCount = computed(() => unseen.value.length);

export const stream = login.stream(handle);

// After a reload, the browser plays no sound before the next input.
holdReload(() => sound.peek() === 'on');

/**
 * @param {string} name
 * @param {any} data
 * @param {string} id
 */
function handle(name, data, id) {
  apply(name, data);
  // After a reload or a new login, the stream continues here: orders that arrive meanwhile are also new.
  if (id) remember({ cursor: id });
}

/**
 * @param {string} name
 * @param {any} data
 */
function apply(name, data) {
  switch (name) {
    case 'connected':
      checkBuild();
      refreshMenu();
      retryNow();
      return;
    case 'menu_changed':
      refreshMenu();
      return;
    case 'reset':
      refreshMenu();
      retryNow();
      break;
    case 'new_order':
      notice(data);
      break;
    case 'order_deleted':
      cancelled.value = new Set([...cancelled.value, data.order_id]);
      keep(unseen.value.filter(({ order }) => order !== data.order_id));
      break;
    case 'order_restored':
      cancelled.value = new Set([...cancelled.value].filter((id) => id !== data.order_id));
      break;
    case 'session_completed':
      keep(unseen.value.filter(({ table }) => table !== data.table_id));
  }
  changes.value += 1;
  refreshSoon();
}

/** @param {{ order_id: number, table_id: number, table_number: number, created_at: string }} order */
function notice({ order_id, table_id, table_number, created_at }) {
  if (unseen.value.some(({ order }) => order === order_id)) return;
  keep([...unseen.value, { order: order_id, table: table_id }]);
  if (serverNow() - Date.parse(created_at) > RINGS_FOR) return;
  announce(t('staff.new_order', { number: table_number }));
  ring();
}

/** @param {{ order: number, table: number }[]} next */
function keep(next) {
  remember({ orders: next });
  unseen.value = next;
}

/** @param {Partial<Unseen>} change */
function remember(change) {
  write(UNSEEN, Object.assign(stored, change));
}

/** Marks orders as seen. @param {(one: { order: number, table: number }) => boolean} isSeen */
export function markSeen(isSeen) {
  if (unseen.value.some(isSeen)) keep(unseen.value.filter((one) => !isSeen(one)));
}

/**
 * Removes unseen orders at tables without live orders. They were cancelled, or their party has left, while the page was
 * closed.
 *
 * @param {Set<{ order: number, table: number }>} wasUnseen the orders that were unseen before the tables were read
 * @param {Table[]} now
 */
function forgetGone(wasUnseen, now) {
  const live = new Set(now.filter(({ order_count, carried_over_count }) => order_count + carried_over_count > 0).map(({ id }) => id));
  markSeen((one) => wasUnseen.has(one) && !live.has(one.table));
}

let loads = 0;
let failures = 0;
let failingSince = 0;
let isLoading = false;
let isStale = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

function refreshSoon() {
  isStale = true;
  if (isLoading || timer) return;
  timer = setTimeout(refresh, PAUSE);
}

/** Reads the snapshot now if the last reading failed. Call it when the server responds again. */
function retryNow() {
  if (!failure.value || isLoading) return;
  clearTimeout(timer);
  timer = undefined;
  failures = 0;
  refreshSoon();
}

function refreshIfVisible() {
  if (tables.value && document.visibilityState === 'visible') refreshSoon();
}

document.addEventListener('visibilitychange', refreshIfVisible);
setInterval(refreshIfVisible, REFRESH_EVERY);

/** Reads the snapshot. @returns {Promise<string>} the id of its last event; empty if it could not be read */
export async function refresh() {
  clearTimeout(timer);
  timer = undefined;
  loads += 1;
  const own = loads;
  isLoading = true;
  isStale = false;
  const token = account.value?.token;
  const wasUnseen = new Set(unseen.value);
  const startedAt = Date.now();
  try {
    /** @type {import('wire').Dashboard} */
    const dashboard = await request('GET', '/admin/tables/dashboard');
    if (account.value?.token !== token) return '';
    // A later request may already have returned newer tables. The stream can also start from this older snapshot.
    if (own !== loads) return dashboard.event_id;
    tables.value = tables.value && !isUnused() ? keepTableOrder(tables.value, dashboard.tables) : dashboard.tables;
    forgetGone(wasUnseen, dashboard.tables);
    failure.value = null;
    isOutdated.value = false;
    failures = 0;
    return dashboard.event_id;
  } catch (thrown) {
    if (own !== loads || account.value?.token !== token) return '';
    if (!failure.value) failingSince = startedAt;
    failure.value = asApiError(thrown);
    isOutdated.value = Date.now() - failingSince >= OUTDATED_AFTER;
    if (failure.value.status !== 401) {
      timer = setTimeout(tables.value ? refresh : start, backoff(failures, 1_000, 15_000));
      failures += 1;
    }
    return '';
  } finally {
    if (own === loads) {
      isLoading = false;
      if (isStale) refreshSoon();
    }
  }
}

/** The store whose tables are shown. */
let store = '';

/** Loads the tables and starts the stream where the last visit ended. */
export async function start() {
  store = account.value?.store_id ?? '';
  if (stored.store !== store) {
    remember({ store, cursor: '' });
    keep([]);
  }
  const place = await refresh();
  if (place) stream.start(stored.cursor || place);
}

/** Continues after a new login. */
export function resume() {
  if (store !== account.value?.store_id) stop();
  if (!tables.value) return start();
  stream.resume();
  changes.value += 1;
  return refresh();
}

export function stop() {
  clearTimeout(timer);
  timer = undefined;
  isStale = false;
  stream.stop();
  tables.value = null;
  failure.value = null;
  isOutdated.value = false;
  menu.reset();
}

export function leave() {
  stop();
  signOut();
}
