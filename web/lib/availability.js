// The sold-out switches. A switch changes at once, and changes back if the request fails.
import { asApiError } from './api.js';
import { batch, effect, signal } from './preact.js';

/** @typedef {{ items: import('wire').MenuItem[] }} Menu */
/** @typedef {{ isAvailable: boolean, text: string }} FailedChange a requested value, and why it was not set */

/** @template {Menu} T */
export class Availability {
  #request;
  #menu;
  #onChanged;
  #onFailed;
  #explain;

  /**
   * @param {object} options
   * @param {import('./login.js').Login['request']} options.request
   * @param {import('./resource.js').Resource<T>} options.menu
   * @param {(item: import('wire').MenuItem, isAvailable: boolean) => void} options.onChanged
   * @param {(text: string) => void} [options.onFailed]
   * @param {(item: import('wire').MenuItem, error: import('./api.js').ApiError) => string} options.explain
   */
  constructor({ request, menu, onChanged, onFailed = () => {}, explain }) {
    this.#request = request;
    this.#menu = menu;
    this.#onChanged = onChanged;
    this.#onFailed = onFailed;
    this.#explain = explain;
    /** The requested values without a response yet, by item id. @type {import('../vendor/signals.mjs').Signal<Map<number, boolean>>} */
    this.wanted = signal(new Map());
    /** The changes that failed, by item id. @type {import('../vendor/signals.mjs').Signal<Map<number, FailedChange>>} */
    this.failures = signal(new Map());
    // A request without a response may have changed the item, which shows when the menu is read again.
    effect(() => {
      for (const { id, is_available } of menu.data.value?.items ?? []) {
        if (this.failures.peek().get(id)?.isAvailable === is_available) this.dismiss(id);
      }
    });
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
      // The server may have made the change although no response arrived.
      if (error.isTemporary) await this.#menu.load();
      const isMade = this.#menu.data.peek()?.items.some(({ id, is_available }) => id === item.id && is_available === isAvailable);
      const text = this.#explain(item, error);
      batch(() => {
        if (!isMade) this.failures.value = new Map([...this.failures.value, [item.id, { isAvailable, text }]]);
        this.#settle(item.id);
      });
      if (isMade) this.#onChanged(item, isAvailable);
      else this.#onFailed(text);
    }
  };

  /** @param {number} id */
  #settle(id) {
    this.wanted.value = new Map([...this.wanted.value].filter(([one]) => one !== id));
  }

  /** @param {number} id */
  dismiss = (id) => {
    const failures = this.failures.peek();
    if (failures.has(id)) this.failures.value = new Map([...failures].filter(([one]) => one !== id));
  };
}
