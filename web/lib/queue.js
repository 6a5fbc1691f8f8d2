// The queue of orders to send. An order is stored before its first request. The same body with the same key is sent
// until the server responds, also after the page was closed and opened again.
import { asApiError } from './api.js';
import { batch, signal } from './preact.js';
import { backoff } from './random.js';
import { onChange, read, write } from './store.js';

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 15_000;

/**
 * An order without a response yet, or a refused order that the guest has not seen.
 *
 * @typedef {object} QueuedOrder
 * @property {string} key its idempotency key
 * @property {number} session_id
 * @property {string} body the request's body, the same for each attempt in a session
 * @property {import('wire').CartLine[]} lines
 * @property {string} note
 * @property {number} queued_at server time
 * @property {number} not_after server time
 * @property {'queued' | 'refused'} state
 * @property {boolean} [isUnconfirmed] whether its session may have ended before it was added
 * @property {string} [code] why it was refused
 * @property {string} [message]
 * @property {string[]} [fields] the refused fields, such as `items[0].menu_id`
 */

export class OrderQueue {
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #failures = 0;
  #isBusy = false;

  /**
   * @param {object} options
   * @param {string} options.name where it is stored
   * @param {(order: QueuedOrder) => Promise<any>} options.send
   * @param {(order: QueuedOrder) => boolean} options.maySend whether it belongs to the current session
   * @param {(order: QueuedOrder, placed: any) => void} options.onPlaced
   * @param {(order: QueuedOrder, error: import('./api.js').ApiError) => void} options.onRefused
   */
  constructor({ name, send, maySend, onPlaced, onRefused }) {
    this.name = name;
    this.send = send;
    this.maySend = maySend;
    this.onPlaced = onPlaced;
    this.onRefused = onRefused;
    /** @type {import('../vendor/signals.mjs').Signal<QueuedOrder[]>} */
    this.orders = signal(read(name) ?? []);
    /** Whether the orders survive a reload. */
    this.isStored = signal(true);
    /** The key of the order that is being sent. */
    this.sending = signal('');
    /** Why orders wait. `offline`: there was no response. `busy`: the server could not accept them now. */
    this.problem = signal(/** @type {'' | 'offline' | 'busy'} */ (''));
    onChange(name, () => {
      this.orders.value = read(name) ?? [];
      // The other tab sends the orders that it has added, unless it is closed first.
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#drain(), LONGEST_PAUSE);
    });
    addEventListener('online', () => this.wake());
  }

  /** @param {(orders: QueuedOrder[]) => QueuedOrder[]} change */
  #update(change) {
    // Read the storage, not the memory: another tab may have added an order.
    const orders = change(read(this.name) ?? []);
    batch(() => {
      this.isStored.value = write(this.name, orders);
      this.orders.value = orders;
    });
  }

  /**
   * Stores the order, then sends it.
   *
   * @param {QueuedOrder} order
   */
  add(order) {
    this.#update((orders) => [...orders, order]);
    this.wake();
  }

  /** @param {string} key */
  remove(key) {
    this.#update((orders) => orders.filter((order) => order.key !== key));
  }

  /**
   * Changes the orders of a session. Those for which `change` returns null are removed.
   *
   * @param {number} session
   * @param {(order: QueuedOrder) => QueuedOrder | null} change
   */
  forSession(session, change) {
    this.#update((orders) => orders.flatMap((order) => (order.session_id === session ? (change(order) ?? []) : [order])));
  }

  /** Sends the queued orders now. */
  wake() {
    this.#failures = 0;
    clearTimeout(this.#timer);
    this.#drain();
  }

  async #drain() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (;;) {
        const next = this.orders.value.find((order) => order.state === 'queued' && this.maySend(order));
        // An order that waited may have been removed, for example with its session.
        if (!next) this.problem.value = '';
        if (!next || !(await this.#try(next))) return;
      }
    } finally {
      this.#isBusy = false;
    }
  }

  /**
   * @param {QueuedOrder} order
   * @returns {Promise<boolean>} whether to continue with the next one
   */
  async #try(order) {
    this.sending.value = order.key;
    try {
      const placed = await this.send(order);
      this.#failures = 0;
      batch(() => {
        this.remove(order.key);
        this.sending.value = '';
        this.problem.value = '';
        this.onPlaced(order, placed);
      });
      return true;
    } catch (thrown) {
      const error = asApiError(thrown);
      this.sending.value = '';
      if (error.isTemporary || error.status === 401 || !this.maySend(order)) {
        this.problem.value = error.status === 0 ? 'offline' : 'busy';
        const pause = Math.max(backoff(this.#failures, FIRST_PAUSE, LONGEST_PAUSE), error.retryAfter);
        this.#failures += 1;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#drain(), pause);
        return false;
      }
      batch(() => {
        const { code, message, body } = error;
        const fields = (body.details ?? []).map(({ field }) => field);
        this.problem.value = '';
        let isNews = false;
        this.#update((orders) =>
          orders.map((one) => {
            if (one.key !== order.key || one.state === 'refused') return one;
            isNews = true;
            return { ...one, state: 'refused', code, message, fields };
          }),
        );
        // Another tab may have handled the refusal already.
        if (isNews) this.onRefused(order, error);
      });
      return true;
    }
  }
}
