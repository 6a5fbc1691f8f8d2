// The signed-in user. The token is kept for this tab, or longer with "stay signed in".
import { ApiError, asApiError, call } from '../../lib/api.js';
import { DEFAULT_LANGUAGE, setLanguage } from '../../lib/i18n.js';
import { signal } from '../../lib/preact.js';
import { read, remove, write } from '../../lib/store.js';

const NAME = 'staff.account';
const TAB_NAME = 'tableorder.staff.account';

/** @typedef {{ token: string, store_id: string, store_name: string, username: string, role: string }} Account */

/** @type {import('../../vendor/signals.mjs').Signal<Account | null>} */
export const account = signal(load());

/** Whether the login has ended while the page is open: the page stays, and asks for the password. */
export const hasEnded = signal(false);

/** @returns {Account | null} */
function load() {
  try {
    return JSON.parse(sessionStorage.getItem(TAB_NAME) ?? 'null') ?? read(NAME);
  } catch {
    return read(NAME);
  }
}

/**
 * @param {{ store_id: string, username: string, password: string }} login
 * @param {boolean} stays whether to keep the login after the tab is closed
 */
export async function signIn(login, stays) {
  /** @type {import('wire').AdminLogin} */
  const { token, store_id, store_name, username, role } = await call('POST', '/admin/auth/login', { body: JSON.stringify(login) });
  const next = { token, store_id, store_name, username, role };
  forget();
  if (stays) write(NAME, next);
  else sessionStorage.setItem(TAB_NAME, JSON.stringify(next));
  write('staff.last_store', store_id);
  account.value = next;
  hasEnded.value = false;
}

export function signOut() {
  const token = account.value?.token;
  if (token) call('POST', '/admin/auth/logout', { token }).catch(() => {});
  forget();
  account.value = null;
  hasEnded.value = false;
}

function forget() {
  remove(NAME);
  sessionStorage.removeItem(TAB_NAME);
}

/** Whether the present login outlives the tab. */
export function isKept() {
  return read(NAME) !== null;
}

/** @returns {string} */
export function lastStore() {
  return read('staff.last_store') ?? '';
}

/**
 * Sends a request as the account. A login that has ended is asked for again; the request fails.
 *
 * @template T
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<T>}
 */
export async function request(method, path, body) {
  const token = account.value?.token;
  if (!token) throw new ApiError(401);
  try {
    return await call(method, path, { token, body: body && JSON.stringify(body) });
  } catch (thrown) {
    const error = asApiError(thrown);
    if (error.status === 401 && account.value?.token === token) hasEnded.value = true;
    throw error;
  }
}

/** @returns {import('../../lib/i18n.js').Language} */
export function savedLanguage() {
  return read('staff.language') ?? DEFAULT_LANGUAGE;
}

/** @param {import('../../lib/i18n.js').Language} code */
export function chooseLanguage(code) {
  write('staff.language', code);
  setLanguage(code);
}
