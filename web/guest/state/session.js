// The session of the table, from the pairing to its end and the next session.
import { ApiError, asApiError, call } from '../../lib/api.js';
import { batch, signal } from '../../lib/preact.js';
import { backoff } from '../../lib/random.js';
import { onChange } from '../../lib/store.js';
import { NAME, device, forget, isRenewalDue, renew, renewAfresh } from './device.js';

/** @typedef {'unpaired' | 'open' | 'ended'} Phase */

/** @type {import('../../vendor/signals.mjs').Signal<Phase>} */
export const phase = signal(device.value ? 'open' : 'unpaired');

/** The error code after which the tablet must be paired again. */
export const unpairedBecause = signal('');

/** The session of the guests at the table; during the thank-you page the next one, as soon as the tablet has it. */
let current = device.value?.session_id ?? 0;

/** The last session that the server has confirmed as open to this page. */
let confirmed = 0;

/**
 * @typedef {object} Handlers
 * @property {(session: number, isSameParty: boolean) => void} entered called for each session, including the first
 * @property {(session: number) => void} confirmed called when the server has confirmed that the session is open
 * @property {(session: number) => void} ended called when a session has ended
 * @property {(session: number) => void} renewed called when the tablet has a session for the next guests
 */

/** @type {Handlers} */
let on = { entered() {}, confirmed() {}, ended() {}, renewed() {} };

/** @param {Handlers} handlers */
export function connectSession(handlers) {
  on = handlers;
  if (device.value) on.entered(device.value.session_id, false);
  onChange(NAME, () => {
    if (device.value) showTokenSession();
    else phase.value = 'unpaired';
  });
}

/** Shows the session of the token, which was renewed here or in another tab. */
function showTokenSession(isSameParty = false) {
  const session = device.value?.session_id ?? 0;
  // A hidden tab shows no thanks and keeps the stored cart, which the next guests may already be filling in the other tab.
  const isShown = phase.value === 'open' && document.visibilityState === 'visible';
  batch(() => {
    unpairedBecause.value = '';
    if (isShown && !isSameParty && confirmed === current && session > current) showEnd(current);
    if (phase.value === 'ended' && !isSameParty) {
      // The guests are still reading the thank-you page, in their language.
      current = session;
      on.renewed(session);
    } else if (phase.value !== 'open' || session !== current) {
      enter(session, isSameParty);
    }
  });
}

/**
 * @param {number} session
 * @param {boolean} isSameParty
 */
function enter(session, isSameParty) {
  current = session;
  batch(() => {
    phase.value = 'open';
    on.entered(session, isSameParty);
  });
}

/** Call it after the tablet was paired. */
export function enterPaired() {
  // Not the thank-you page, and enter also the same session again.
  phase.value = 'unpaired';
  showTokenSession();
}

/**
 * Gets a new token. If the pairing is no longer valid, the page asks for the password, and keeps the cart and the
 * queue.
 *
 * @param {object} [options]
 * @param {boolean} [options.isSameParty] whether the new session has the same guests
 * @param {() => Promise<void>} [options.by] `renewAfresh` if the session has just changed
 */
export async function renewSession({ isSameParty = false, by = renew } = {}) {
  const token = device.value?.token;
  try {
    await by();
  } catch (thrown) {
    const error = asApiError(thrown);
    const isPairingOver = error.status === 401 || error.code === 'DEVICE_REVOKED';
    if (isPairingOver && device.value?.token === token) {
      batch(() => {
        forget();
        unpairedBecause.value = error.code;
        phase.value = 'unpaired';
      });
    }
    throw error;
  }
  showTokenSession(isSameParty);
}

/**
 * Sends a request with the token, and if that is refused, once more with a new one.
 *
 * @template T
 * @param {(token: string) => Promise<T>} request
 * @returns {Promise<T>}
 */
export async function authorized(request) {
  const { token = '', session_id = 0 } = device.value ?? {};
  try {
    return await request(token);
  } catch (thrown) {
    const error = asApiError(thrown);
    if (error.code === 'SESSION_ENDED') end(session_id);
    if (error.status !== 401) throw error;
    // Throw the 401, which is temporary for an order: the error of the renewal could count as its refusal.
    await renewSession().catch(() => {
      throw error;
    });
    if (device.value?.session_id !== session_id) throw new ApiError(0);
    return request(device.value.token);
  }
}

/** Checks whether the session is still open, and renews the token in time. */
export async function checkSession() {
  if (!device.value || phase.value !== 'open') return;
  const { session_id } = device.value;
  if (isRenewalDue()) return renewSession();
  const { valid } = await authorized((/** @type {string} */ token) => call('GET', '/customer/auth/session/check', { token }));
  if (!valid) await end(session_id);
}

/**
 * If an order has another table number than the device, renews the token, which also returns the current number. The
 * order's number may be the older one, because an order keeps the number that its table had.
 *
 * @param {{ table_number: number }} order
 */
export function checkTableNumber({ table_number }) {
  if (phase.value === 'open' && device.value && table_number !== device.value.table_number) renewSession().catch(() => {});
}

/**
 * Call it when the server has confirmed that the session is open.
 *
 * @param {number} session
 */
export function confirmSession(session) {
  confirmed = session;
  on.confirmed(session);
}

/**
 * Whether the server has confirmed that the session is open to this page.
 *
 * @param {number} session
 */
export function isConfirmed(session) {
  return confirmed === session;
}

/** Call it after an absence, in which the guests may have left: if their session has ended, nobody is thanked. */
export async function confirmAgain() {
  confirmed = 0;
  if (!device.value || phase.value !== 'open') return;
  // A new token is always for the table's current session. A check would leave an ended session in place if the
  // renewal after it failed.
  await renewSession({ by: renewAfresh });
  confirmSession(current);
}

/**
 * Ends a session: shows the thank-you page, removes the guests' data and gets a token for the next session. If the
 * session ended while the page was closed, there is no thank-you page.
 *
 * @param {number} session
 */
export async function end(session) {
  if (device.value?.session_id !== session || phase.value !== 'open') return;
  if (confirmed !== session) return renewSession().catch(() => {});
  showEnd(session);
  for (let failures = 0; device.value?.session_id === session; failures += 1) {
    try {
      await renewSession({ by: renewAfresh });
    } catch {
      await pause(failures);
      continue;
    }
    // If the table has the same or an earlier session, it was reopened in the meantime.
    if (phase.peek() === 'ended' && current <= session) return enter(current, true);
  }
}

/** @param {number} session */
function showEnd(session) {
  batch(() => {
    phase.value = 'ended';
    on.ended(session);
  });
}

/** @param {number} failures */
function pause(failures) {
  return new Promise((resolve) => setTimeout(resolve, backoff(failures, 1_000, 15_000)));
}

/** The completion of the table's last session was undone: the same guests continue in that session. */
export async function resumeReopenedSession() {
  const { session_id } = device.value ?? {};
  for (let failures = 0; device.value && device.value.session_id === session_id; failures += 1) {
    try {
      return await renewSession({ isSameParty: true, by: renewAfresh });
    } catch {
      await pause(failures);
    }
  }
}

/** Shows the menu to the next guests. */
export function startNextSession() {
  if (phase.value === 'ended') enter(current, false);
}
