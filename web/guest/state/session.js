// The session of the table: from pairing to the end of the guests' stay, and on to the next.
import { ApiError, asApiError, call } from '../../lib/api.js';
import { batch, signal } from '../../lib/preact.js';
import { backoff } from '../../lib/random.js';
import { onChange } from '../../lib/store.js';
import { NAME, device, forget, isRenewalDue, renew, renewAfresh } from './device.js';

/** @typedef {'unpaired' | 'open' | 'ended'} Phase */

/** @type {import('../../vendor/signals.mjs').Signal<Phase>} */
export const phase = signal(device.value ? 'open' : 'unpaired');

/** The code of the refusal because of which the tablet has to be paired again. */
export const unpairedBecause = signal('');

/** The session that the page has set itself up for. */
let entered = device.value?.session_id ?? 0;

/** The session that this page has seen running. */
let seen = 0;

/**
 * @typedef {object} Handlers
 * @property {(session: number, isSameParty: boolean) => void} enter called for each session, the first included
 * @property {(session: number) => void} end called when a session has ended
 * @property {(session: number) => void} renewed called when there is a session for the next guests
 */

/** @type {Handlers} */
let on = { enter() {}, end() {}, renewed() {} };

/** @param {Handlers} handlers */
export function connectSession(handlers) {
  on = handlers;
  if (device.value) on.enter(device.value.session_id, false);
  onChange(NAME, followOtherTab);
}

/** Another tab has paired the tablet, renewed its token or forgotten it. */
function followOtherTab() {
  if (!device.value) {
    phase.value = 'unpaired';
    return;
  }
  if (phase.value === 'open' && seen === entered && device.value.session_id > entered) showEnd(entered);
  follow();
}

/** Sets the page up for the session that the device has now. */
function follow(isSameParty = false) {
  const session = device.value?.session_id ?? 0;
  const isNew = session !== entered || phase.value === 'unpaired';
  entered = session;
  batch(() => {
    unpairedBecause.value = '';
    if (phase.value === 'ended' && !isSameParty) {
      // The guests still read the thanks, in their language.
      on.renewed(session);
      return;
    }
    phase.value = 'open';
    if (isNew) on.enter(session, isSameParty);
  });
}

/** After the tablet was paired. */
export function enterPaired() {
  phase.value = 'unpaired';
  follow();
}

/**
 * Gets a new token. Where the pairing is over, the page asks for the password; cart and queue stay.
 *
 * @param {object} [options]
 * @param {boolean} [options.isSameParty] whether the guests stay the same in another session
 * @param {() => Promise<void>} [options.by] `renewAfresh` where the session has just changed
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
  follow(isSameParty);
}

/**
 * Sends a request with the token, and once more with a new one if the server does not take it.
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
    // Whatever the renewal is refused for: the order itself was not.
    await renewSession().catch(() => {
      throw error;
    });
    if (device.value?.session_id !== session_id) throw new ApiError(0);
    return request(device.value.token);
  }
}

/** Learns whether the session goes on, and renews the token in time. */
export async function checkSession() {
  if (!device.value || phase.value !== 'open') return;
  const { session_id } = device.value;
  if (isRenewalDue()) return renewSession();
  const { valid } = await authorized((/** @type {string} */ token) => call('GET', '/customer/auth/session/check', { token }));
  if (!valid) await end(session_id);
}

/**
 * Renews the token, and with it the number of the table, if an order has another number. Only the renewal tells which is
 * the newer one: an order keeps the number that its table had.
 *
 * @param {{ table_number: number }} order
 */
export function checkTableNumber({ table_number }) {
  if (phase.value === 'open' && device.value && table_number !== device.value.table_number) renewSession().catch(() => {});
}

/** The server has shown that the session goes on. */
export function confirmSession() {
  seen = device.value?.session_id ?? 0;
}

/**
 * The guests' session has ended: everything of them goes, and the tablet gets a token for the next ones. Guests who left
 * while the page was closed are not thanked.
 *
 * @param {number} session
 */
export async function end(session) {
  if (device.value?.session_id !== session || phase.value !== 'open') return;
  if (seen !== session) return renewSession().catch(() => {});
  showEnd(session);
  for (let failures = 0; device.value?.session_id === session; failures += 1) {
    try {
      await renewSession({ by: renewAfresh });
    } catch {
      await pause(failures);
      continue;
    }
    // Still the table's session, or the one before: it was reopened in between.
    const current = device.value?.session_id;
    if (phase.peek() === 'ended' && current && current <= session) return reopen(current);
  }
}

/** @param {number} session */
function showEnd(session) {
  batch(() => {
    phase.value = 'ended';
    on.end(session);
  });
}

/** @param {number} failures */
function pause(failures) {
  return new Promise((resolve) => setTimeout(resolve, backoff(failures, 1_000, 15_000)));
}

/** @param {number} session */
function reopen(session) {
  batch(() => {
    phase.value = 'open';
    on.enter(session, true);
  });
}

/** The completion of the table's last session was taken back: the same guests go on in it. */
export async function goBack() {
  const { session_id } = device.value ?? {};
  for (let failures = 0; device.value && device.value.session_id === session_id; failures += 1) {
    try {
      return await renewSession({ isSameParty: true, by: renewAfresh });
    } catch {
      await pause(failures);
    }
  }
}

/** The next guests begin. */
export function begin() {
  if (phase.value !== 'ended') return;
  batch(() => {
    phase.value = 'open';
    on.enter(entered, false);
  });
}
