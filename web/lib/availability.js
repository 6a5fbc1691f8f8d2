// The sold-out switches. A switch changes at once, and changes back if the request fails.
import { asApiError } from './api.js';
import { batch, signal } from './preact.js';

/** @typedef {{ items: import('wire').MenuItem[] }} Menu */

/** @template {Menu} T */
export class Availability {
  #request;
  #menu;
  #onChanged;
  #explain;

  /**
   * @param {object} options
   * @param {import('./login.js').Login['request']} options.request
   * @param {import('./resource.js').Resource<T>} options.menu
   * @param {(item: import('wire').MenuItem, isAvailable: boolean) => void} options.onChanged
   * @param {(item: import('wire').MenuItem, error: import('./api.js').ApiError) => string} options.explain
   */
  constructor({ request, menu, onChanged, explain }) {
    this.#request = request;
    this.#menu = menu;
    this.#onChanged = onChanged;
    this.#explain = explain;
    /** The requested values without a response yet, by item id. @type {import('../vendor/signals.mjs').Signal<Map<number, boolean>>} */
    this.wanted = signal(new Map());
    /** Why the last change of an item failed. @type {import('../vendor/signals.mjs').Signal<Map<number, string>>} */
    this.failures = signal(new Map());
  }

  /**
   * @param {import('wire').MenuItem} item
   * @param {boolean} isAvailable
   */
  setAvailable = async (item, isAvailable) => {
    if (this.wanted.peek().has(item.id)) return;
    batch(() => {
      this.wanted.value = new Map([...this.wanted.value, [item.id, isAvailable]]);
      this.dismiss(item.id);
    });
    try {
      /** @type {import('wire').MenuItem} */
      const changed = await this.#request('PATCH', `/admin/menus/${item.id}`, { is_available: isAvailable });
      batch(() => {
        this.#menu.update((menu) => ({ ...menu, items: menu.items.map((one) => (one.id === item.id ? changed : one)) }));
        this.#settle(item.id);
      });
      this.#onChanged(item, isAvailable);
    } catch (thrown) {
      const error = asApiError(thrown);
      batch(() => {
        this.failures.value = new Map([...this.failures.value, [item.id, this.#explain(item, error)]]);
        this.#settle(item.id);
      });
      // The server may have made the change although no response arrived.
      if (error.isTemporary) this.#menu.load();
    }
  };

  /** @param {number} id */
  #settle(id) {
    this.wanted.value = new Map([...this.wanted.value].filter(([one]) => one !== id));
  }

  /** @param {number} id */
  dismiss = (id) => {
    if (this.failures.value.has(id)) this.failures.value = new Map([...this.failures.value].filter(([one]) => one !== id));
  };
}
