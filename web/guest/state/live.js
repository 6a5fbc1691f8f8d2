// Keeps the page up to date: connects the event stream with menu, orders and session.
import { call } from '../../lib/api.js';
import { checkBuild } from '../../lib/build.js';
import { computed, effect, signal } from '../../lib/preact.js';
import { EventStream } from '../../lib/stream.js';
import { close } from '../../lib/view.js';
import { device, isUpToDate } from './device.js';
import * as menu from './menu.js';
import { inSession, keepUnconfirmed, queue } from './ordering.js';
import * as orders from './orders.js';
import * as party from './party.js';
import {
  begin,
  checkSession,
  checkTableNumber,
  confirmAgain,
  confirmSession,
  connectSession,
  end,
  isConfirmed,
  phase,
  renewSession,
  resumeReopenedSession,
} from './session.js';

const CHECK_EVERY = 10 * 60_000;

/**
 * The session that has ended, with its total and its undelivered orders, for the thank-you page.
 *
 * @typedef {{ session: number, total: number, unsent: import('../../lib/queue.js').QueuedOrder[] }} EndedSession
 */

/** @type {import('../../vendor/signals.mjs').Signal<EndedSession>} */
export const endedSession = signal({ session: 0, total: 0, unsent: [] });

/** Whether the tablet has a session for the next guests. */
export const isReady = computed(() => device.value?.session_id !== endedSession.value.session);

export const stream = new EventStream({
  path: '/customer/orders/stream',
  token: () => device.value?.token ?? '',
  onEvent: handle,
  onRefused: async (error) => {
    if (error.code === 'SESSION_ENDED') {
      const session = device.value?.session_id ?? 0;
      await end(session);
      return device.value?.session_id === session;
    }
    if (error.status !== 401) return true;
    return renewSession().then(
      () => true,
      () => device.value !== null,
    );
  },
});

/** After this time in the background, such as the sleep of a tablet, other guests may be at the table. */
const ABSENCE = 60_000;

/** When the page was hidden; until then, when it was opened, because it may be opened in a hidden tab. */
let hiddenAt = Date.now();
/** Whether the page was hidden for that long, and the server has not confirmed the session since. */
let isBack = false;
const CONFIRM_EVERY = 10_000;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let confirmTimer;

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') hiddenAt = Date.now();
  else if (Date.now() - hiddenAt > ABSENCE) confirmAfterAbsence();
});

async function confirmAfterAbsence() {
  clearTimeout(confirmTimer);
  if (phase.peek() === 'ended') {
    dismissThanks();
    return;
  }
  isBack = true;
  try {
    await confirmAgain();
    isBack = false;
  } catch {
    // Another attempt may have succeeded in the meantime.
    if (isBack) confirmTimer = setTimeout(confirmAfterAbsence, CONFIRM_EVERY);
  }
}

/** The session on whose thank-you page undelivered orders are listed; 0 if its guests have left. */
let thanked = 0;

/** Hides the bill and the orders of guests who have left. */
function dismissThanks() {
  thanked = 0;
  endedSession.value = { ...endedSession.peek(), total: 0, unsent: [] };
  if (isReady.peek()) begin();
}

/**
 * @param {string} name
 * @param {any} data
 */
function handle(name, data) {
  switch (name) {
    case 'connected':
    case 'reset':
      if (isBack) confirmAfterAbsence();
      else confirmSession();
      // The table may have another number since the tablet's token was issued.
      if (!isUpToDate()) renewSession().catch(() => {});
      orders.refresh();
      menu.load(data.menu_version);
      queue.wake();
      checkBuild();
      break;
    case 'menu_changed':
      menu.load(data.menu_version);
      break;
    case 'session_completed':
      end(data.session_id);
      break;
    case 'session_reopened':
      if (data.table_id === device.value?.table_id) resumeReopenedSession();
      break;
    case 'new_order':
      orders.refresh();
      checkTableNumber(data);
      break;
    default:
      orders.refresh();
  }
}

/** Starts the background work of the page. */
export function start() {
  menu.restore();
  connectSession({
    renewed: listen,
    enter(session, isSameParty) {
      const before = party.party.peek().session_id;
      orders.enter(session);
      if (isSameParty && before && before !== session) {
        party.moveTo(session);
        queue.forSession(before, (order) => inSession(session, order));
      } else {
        party.enter(session);
        if (before !== session) {
          if (isConfirmed(before)) queue.forSession(before, () => null);
          else keepUnconfirmed(before, session);
          close();
          menu.restart();
        }
      }
      listen(session);
      orders.refresh();
    },
    end(session) {
      const isComplete = orders.isCurrent() && !queue.orders.peek().some((order) => isUnsent(session, order));
      // Show no total rather than one that differs from the bill.
      endedSession.value = { session, total: isComplete ? orders.total.peek() : 0, unsent: [] };
      thanked = session;
      stopStream();
      retryUnsentOrders(session, device.peek()?.token ?? '');
      orders.clear();
      party.emptyCart();
      close();
    },
  });
  effect(() => {
    if (phase.value === 'unpaired') stopStream();
  });
  queue.wake();
  checkSession().catch(() => {});
  setInterval(() => checkSession().catch(() => {}), CHECK_EVERY);
}

/**
 * @param {number} session
 * @param {import('../../lib/queue.js').QueuedOrder} order
 */
function isUnsent(session, order) {
  return order.session_id === session && order.state === 'queued';
}

/** The session whose events the stream delivers; 0 while it is stopped. */
let streamedSession = 0;

/** @param {number} session */
function listen(session) {
  if (streamedSession === session) return;
  streamedSession = session;
  stream.start();
}

function stopStream() {
  streamedSession = 0;
  stream.stop();
}

/**
 * Sends the queued orders of an ended session once more with its token, because an order may have been placed without a
 * response. The thank-you page lists the others.
 *
 * @param {number} session
 * @param {string} token
 */
async function retryUnsentOrders(session, token) {
  for (const order of queue.orders.peek().filter((one) => isUnsent(session, one))) {
    const { key, body } = order;
    try {
      await call('POST', '/customer/orders', { token, body, headers: { 'Idempotency-Key': key } });
    } catch {
      if (thanked === session) endedSession.value = { ...endedSession.value, unsent: [...endedSession.value.unsent, order] };
    }
  }
}
