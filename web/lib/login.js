// The signed-in user of a page. The token is kept for this tab, or longer with "stay signed in".
import { ApiError, asApiError, call } from './api.js';
import { chooseLanguage, savedLanguage } from './language.js';
import { rememberStore } from './last-store.js';
import { signal } from './preact.js';
import { read, remove, tab, write } from './store.js';
import { EventStream } from './stream.js';

/** @typedef {{ token: string, store_id: string, store_name: string, username: string, role: string }} Account */

export class Login {
  #name;
  #signOuts = 0;

  /**
   * Each page has its own login, so that an owner who uses the office on a staff tablet does not change the login of
   * the staff page.
   *
   * @param {string} page its name
   */
  constructor(page) {
    this.#name = `${page}.account`;
    this.account = signal(/** @type {Account | null} */ (tab.read(this.#name) ?? read(this.#name)));
    /** Whether the login has ended while the page is open. The page stays and asks for the password. */
    this.hasEnded = signal(false);
  }

  /**
   * @param {{ store_id: string, username: string, password: string }} login
   * @param {boolean} stays whether to keep the login after the tab is closed
   * @returns {Promise<boolean>} false if the user has signed out before the response
   */
  async signIn(login, stays) {
    const signOuts = this.#signOuts;
    /** @type {Account} */
    const account = await call('POST', '/admin/auth/login', { body: JSON.stringify(login) });
    if (signOuts !== this.#signOuts) {
      endLogin(account.token);
      return false;
    }
    this.adopt(account, stays);
    return true;
  }

  /**
   * Replaces the current login with this one.
   *
   * @param {Account} account
   * @param {boolean} stays whether to keep it after the tab is closed
   */
  adopt({ token, store_id, store_name, username, role }, stays) {
    this.#forget();
    this.#keep({ token, store_id, store_name, username, role }, stays);
    rememberStore(store_id);
    this.hasEnded.value = false;
  }

  /**
   * @param {Account} account
   * @param {boolean} stays
   */
  #keep(account, stays) {
    if (stays) write(this.#name, account);
    else tab.write(this.#name, account);
    this.account.value = account;
  }

  /**
   * Stores changed values of the account.
   *
   * @param {Partial<Account>} change
   */
  learn(change) {
    const account = this.account.value;
    if (account) this.#keep({ ...account, ...change }, tab.read(this.#name) === null);
  }

  signOut = () => {
    this.#signOuts += 1;
    const token = this.account.value?.token;
    if (token) endLogin(token);
    this.#forget();
    this.account.value = null;
    this.hasEnded.value = false;
  };

  #forget() {
    remove(this.#name);
    tab.remove(this.#name);
  }

  /** Whether the login is kept after the tab is closed. */
  isKept() {
    return read(this.#name) !== null;
  }

  /**
   * Sends a request with the login's token. If the login has ended, the request fails and the page asks for the
   * password.
   *
   * @template T
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {Record<string, string>} [headers]
   * @returns {Promise<T>}
   */
  request = async (method, path, body, headers) => {
    const token = this.account.value?.token;
    if (!token) throw new ApiError(401);
    try {
      return await call(method, path, { token, body: body && JSON.stringify(body), headers });
    } catch (thrown) {
      const error = asApiError(thrown);
      if (error.status === 401 && this.account.value?.token === token) this.hasEnded.value = true;
      throw error;
    }
  };

  /**
   * The event stream of the store.
   *
   * @param {(name: string, data: any, id: string) => void} onEvent
   */
  stream(onEvent) {
    return new EventStream({
      path: '/admin/orders/stream',
      token: () => this.account.value?.token ?? '',
      onEvent,
      onRefused: async (error) => {
        if (error.status !== 401) return true;
        this.hasEnded.value = true;
        return false;
      },
    });
  }

  savedLanguage = savedLanguage;

  chooseLanguage = chooseLanguage;
}

/** @param {string} token */
function endLogin(token) {
  call('POST', '/admin/auth/logout', { token }).catch(() => {});
}
