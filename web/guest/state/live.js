// Keeps the page up to date: connects the event stream with menu, orders and session.
import { checkBuild } from '../../lib/build.js';
import { effect } from '../../lib/preact.js';
import { EventStream } from '../../lib/stream.js';
import { close } from '../../lib/view.js';
import { confirmConnected } from './absence.js';
import { device, isUpToDate } from './device.js';
import * as menu from './menu.js';
import { inSession, keepForSession, moveUnconfirmed, queue } from './ordering.js';
import * as orders from './orders.js';
import * as party from './party.js';
import { checkSession, checkTableNumber, connectSession, end, phase, renewSession, resumeReopenedSession } from './session.js';
import { thank } from './thanks.js';

const CHECK_EVERY = 10 * 60_000;

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

/**
 * @param {string} name
 * @param {any} data
 */
function handle(name, data) {
  switch (name) {
    case 'connected':
    case 'reset':
      confirmConnected(streamedSession);
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
    confirmed: keepForSession,
    renewed: listen,
    entered(session, isSameParty) {
      const before = party.party.peek().session_id;
      orders.enter(session);
      if (isSameParty && before && before !== session) {
        party.moveTo(session);
        queue.forSession(before, (order) => inSession(session, order));
      } else {
        party.enter(session);
        if (before !== session) {
          moveUnconfirmed(before, session);
          close();
          menu.restart();
        }
      }
      listen(session);
      orders.refresh();
    },
    ended(session) {
      thank(session);
      stopStream();
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
