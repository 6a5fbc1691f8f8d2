// The signed-in owner.
import { asApiError, explained } from '../../lib/api.js';
import { Login } from '../../lib/login.js';
import { signal } from '../../lib/preact.js';

export const login = new Login('office');

export const { account, hasEnded } = login;

/** The message for the owner. @param {import('../../lib/api.js').ApiError} error */
export const explain = (error) => explained(error, `office.error.${error.code}`);

/** The id of the signed-in user; 0 while it is not known. */
export const ownId = signal(0);

/**
 * Sends a request as the owner. After `FORBIDDEN` the page explains that the user is not an owner.
 *
 * @template T
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<T>}
 */
export async function request(method, path, body, headers) {
  try {
    return await login.request(method, path, body, headers);
  } catch (error) {
    if (asApiError(error).code === 'FORBIDDEN') login.learn({ role: 'staff' });
    throw error;
  }
}

/** Reads the name, the role and the store again, which may have changed since the login. */
export async function refreshAccount() {
  const token = account.value?.token;
  try {
    /** @type {import('wire').Me} */
    const { id, username, role, store_name } = await request('GET', '/admin/auth/me');
    if (account.value?.token !== token) return;
    ownId.value = id;
    login.learn({ username, role, store_name });
  } catch {
    // The values of the login stay.
  }
}
