// The entered values, stored for a reload of this tab. Passwords are not stored.
import { signal } from '../../lib/preact.js';
import { tab } from '../../lib/store.js';

const NAME = 'setup';

/**
 * @typedef {object} Progress
 * @property {string} code
 * @property {'store' | 'owner' | 'login' | 'tables' | 'finish'} step
 * @property {{ name: string, store_id: string, time_zone: string, day_starts_at: string }} store
 * @property {string} username
 * @property {boolean} isSent whether the store may have been created, because its request was sent
 * @property {string} token of the owner, until the tables exist
 * @property {string} count the number of tables
 * @property {string[]} hosts the addresses of the server in its local networks
 * @property {boolean} isLocalOnly whether no other machine can connect to the server
 */

/** @returns {Progress} */
function nothing() {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  // A machine in UTC probably has no configured time zone.
  const time_zone = !own || own === 'UTC' || own.startsWith('Etc/') ? 'Asia/Seoul' : own;
  const store = { name: '', store_id: '', time_zone, day_starts_at: '00:00' };
  return { code: '', step: 'store', store, username: '', isSent: false, token: '', count: '', hosts: [], isLocalOnly: false };
}

export const progress = signal(/** @type {Progress} */ ({ ...nothing(), ...tab.read(NAME) }));

/** @param {Partial<Progress>} change */
export function update(change) {
  progress.value = { ...progress.value, ...change };
  tab.write(NAME, progress.value);
}

/**
 * Takes the code from the fragment, and removes it from the address and the history.
 *
 * @returns {boolean} whether there was one
 */
export function takeCode() {
  const code = plainCode(location.hash);
  if (!code) return false;
  history.replaceState(null, '', location.pathname);
  enterCode(code);
  return true;
}

/** Whether the store was created and its owner logged in, so that the code is not checked again. */
export function hasStore() {
  const { token, step } = progress.value;
  return token !== '' || step === 'finish';
}

/**
 * The code in a typed or pasted text, which is the code with or without separators, or the whole address.
 *
 * @param {string} text
 */
export function plainCode(text) {
  return text.normalize('NFKC').replace(/^.*#/s, '').replace(/[\s\p{Pd}]/gu, '').toLowerCase();
}

/**
 * Stores a code. With a new code, the entered values stay unless a store was created with the previous code.
 *
 * @param {string} code
 */
export function enterCode(code) {
  const isOther = code !== progress.value.code;
  update(isOther && hasStore() ? { ...nothing(), code } : { code });
}
