// The steps of the set-up: code, store and owner, login, tables.
import { asApiError, call } from '../../lib/api.js';
import { t } from '../../lib/i18n.js';
import { Login } from '../../lib/login.js';
import { signal } from '../../lib/preact.js';
import { backoff } from '../../lib/random.js';
import { enterCode, hasStore, progress, update } from './progress.js';

/** How often the request to create the store is sent while there is no response. */
const ATTEMPTS = 3;

/** What is shown. `work` is the current step of `progress`. */
export const phase = signal(/** @type {'checking' | 'code' | 'refused' | 'failed' | 'work'} */ ('checking'));

/** The error of the check at the start. */
export const failure = signal(/** @type {import('../../lib/api.js').ApiError | null} */ (null));

/** The error of each field that the server refused, by its path in the request. */
export const refusedFields = signal(/** @type {Record<string, string>} */ ({}));

/** The number of tables that have been created or changed. */
export const made = signal(0);

/** Continues where the last visit ended. */
export async function start() {
  if (hasStore()) {
    phase.value = 'work';
    return;
  }
  phase.value = 'checking';
  try {
    if (progress.value.code) {
      await check(progress.value.code);
    } else {
      /** @type {import('wire').SetupStatus} */
      const { status } = await call('GET', '/setup');
      if (status === 'open') phase.value = 'code';
      else refuse(status === 'closed' ? 'SETUP_CLOSED' : 'SETUP_CODE_EXPIRED');
    }
  } catch (thrown) {
    const error = asApiError(thrown);
    if (!error.code.startsWith('SETUP_')) {
      failure.value = error;
      phase.value = 'failed';
    } else {
      refuse(error.code);
    }
  }
}

/**
 * Continues with a typed code. Throws if the code is invalid; the form then shows the error.
 *
 * @param {string} code
 */
export async function tryCode(code) {
  try {
    await check(code);
  } catch (thrown) {
    const error = asApiError(thrown);
    if (error.code !== 'SETUP_CODE_EXPIRED' && error.code !== 'SETUP_CLOSED') throw error;
    refuse(error.code);
  }
}

/** @param {string} code */
async function check(code) {
  /** @type {import('wire').SetupCode} */
  const { lan_hosts: hosts, is_local_only: isLocalOnly } = await call('POST', '/setup/code', json({ code }));
  enterCode(code);
  update({ hosts, isLocalOnly });
  phase.value = 'work';
}

/** The error code that prevents the set-up. */
export const refusal = signal('');

/** @param {string} code */
function refuse(code) {
  // The store may be this user's own: its response was lost, or the login after it failed.
  if (code === 'SETUP_CLOSED' && progress.value.isSent) {
    update({ step: 'login' });
    phase.value = 'work';
    return;
  }
  refusal.value = code;
  phase.value = 'refused';
}

/**
 * Creates the store and its owner, and logs the owner in.
 *
 * @param {string} password
 */
export async function create(password) {
  const { code, store, username, isSent } = progress.value;
  const body = json({ code, store, owner: { username, password } });
  update({ isSent: true });
  refusedFields.value = {};
  try {
    await sendAgain(() => call('POST', '/setup/store', body));
  } catch (thrown) {
    const error = asApiError(thrown);
    // The store may have been created.
    if (error.isTemporary) throw error;
    update({ isSent: isSent && error.code === 'SETUP_CLOSED' });
    if (error.code.startsWith('SETUP_')) refuse(error.code);
    else if (!showFields(error)) throw error;
    return;
  }
  try {
    await logIn(password);
  } catch {
    update({ step: 'login' });
  }
}

/**
 * Sends the same request again while there is no response. The server repeats its first response.
 *
 * @param {() => Promise<unknown>} send
 */
async function sendAgain(send) {
  for (let failures = 0; ; failures += 1) {
    try {
      return await send();
    } catch (thrown) {
      if (asApiError(thrown).status !== 0 || failures + 1 >= ATTEMPTS) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, backoff(failures, 500, 2_000)));
    }
  }
}

/** Shows refused fields in their step. @param {import('../../lib/api.js').ApiError} error */
function showFields({ code, body }) {
  const isTaken = code === 'DUPLICATE';
  const details = isTaken ? [{ field: 'store.store_id', reason: t('setup.store.taken') }] : (body.details ?? []);
  refusedFields.value = Object.fromEntries(details.map(({ field, reason }) => [field, reason]));
  if (details.some(({ field }) => field.startsWith('store.'))) update({ step: 'store' });
  return details.length > 0;
}

/**
 * Logs the owner in, also on the following pages, which may have a login of another store such as the demo.
 *
 * @param {string} password
 */
export async function logIn(password) {
  const { store, username } = progress.value;
  const body = json({ store_id: store.store_id, username, password });
  /** @type {import('wire').AdminLogin} */
  const login = await call('POST', '/admin/auth/login', body);
  for (const page of ['office', 'staff']) new Login(page).adopt(login, false);
  update({ token: login.token, step: 'tables' });
}

/**
 * Creates tables 1 to `count` with this password. Existing tables also get it, so that all tables have the same
 * password after an interruption.
 *
 * @param {number} count
 * @param {string} password
 */
export async function makeTables(count, password) {
  const { token } = progress.value;
  made.value = 0;
  try {
    /** @type {import('wire').TableList} */
    const { tables } = await call('GET', '/admin/tables', { token });
    const ids = new Map(tables.map(({ id, table_number }) => [table_number, id]));
    for (let number = 1; number <= count; number += 1) {
      const id = ids.get(number);
      if (id === undefined) await call('POST', '/admin/tables', { token, ...json({ table_number: number, password }) });
      else await call('PATCH', `/admin/tables/${id}`, { token, ...json({ password }) });
      made.value = number;
    }
    // Only the following pages still need the login.
    update({ step: 'finish', username: '', isSent: false, token: '' });
  } catch (thrown) {
    const error = asApiError(thrown);
    if (error.status !== 401) throw error;
    update({ token: '', step: 'login' });
  }
}

/** @param {object} body */
function json(body) {
  return { body: JSON.stringify(body) };
}
