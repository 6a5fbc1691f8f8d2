// The pairing of this tablet. Its token is renewed without a password until staff revoke it.
import { call } from '../../lib/api.js';
import { rememberStore } from '../../lib/last-store.js';
import { signal } from '../../lib/preact.js';
import { onChange, read, remove, write } from '../../lib/store.js';

export const NAME = 'guest.device';

/**
 * @typedef {object} Device
 * @property {string} token
 * @property {string} store_id
 * @property {string} store_name
 * @property {number} table_id
 * @property {number} table_number
 * @property {number} session_id
 * @property {string} expires_at
 * @property {number} renewed_at
 */

/** The paired device, or null. @type {import('../../vendor/signals.mjs').Signal<Device | null>} */
export const device = signal(read(NAME));

onChange(NAME, () => {
  device.value = read(NAME);
});

/**
 * Pairs this tablet. The password is not stored.
 *
 * @param {import('wire').TableLoginRequest} login
 */
export async function pair(login) {
  keep(await call('POST', '/customer/auth/login', { body: JSON.stringify(login) }));
  rememberStore(login.store_id);
}

/** @type {Promise<void> | null} */
let renewal = null;

/** Exchanges the token for a new one, which is for the table's current session. */
export function renew() {
  renewal ??= exchange().finally(() => {
    renewal = null;
  });
  return renewal;
}

/** Like `renew`, but always with a new request: the response to a running one may have the previous session. */
export async function renewAfresh() {
  await renewal?.catch(() => {});
  return renew();
}

async function exchange() {
  const { token, store_id, table_id } = device.value ?? {};
  /** @type {import('wire').TableLogin} */
  const login = await call('POST', '/customer/auth/session', { token });
  // The tablet may have been paired with another table in the meantime.
  if (device.value?.store_id === store_id && device.value?.table_id === table_id) keep(login);
}

let isAnswered = false;

/** Whether the values of the device were read from the server since the page was loaded. */
export function isUpToDate() {
  return isAnswered;
}

/** Whether half of the token's lifetime is over. */
export function isRenewalDue() {
  const { renewed_at = 0, expires_at = '' } = device.value ?? {};
  return Date.now() > (renewed_at + Date.parse(expires_at)) / 2;
}

/** Deletes the token. Store and table are stored, so that the pairing form can suggest them. */
export function forget() {
  if (device.value) write('guest.last_table', { store_id: device.value.store_id, table_number: device.value.table_number });
  remove(NAME);
  device.value = null;
}

/** The table that this tablet was paired with before. @returns {{ store_id: string, table_number: number } | null} */
export function lastTable() {
  return read('guest.last_table');
}

/** @param {import('wire').TableLogin} login */
function keep({ token, store_id, store_name, table_id, table_number, session_id, expires_at }) {
  const paired = { token, store_id, store_name, table_id, table_number, session_id, expires_at, renewed_at: Date.now() };
  write(NAME, paired);
  isAnswered = true;
  device.value = paired;
}
