// Data that is read from the server, and read again when it may have changed.
import { asApiError } from './api.js';
import { signal } from './preact.js';
import { backoff } from './random.js';

/** @template T */
export class Resource {
  #read;
  /** @type {Promise<void> | null} */ #running = null;
  #isStale = false;
  #isObsolete = false;
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /** @param {() => Promise<T>} read */
  constructor(read) {
    this.#read = read;
    /** @type {import('../vendor/signals.mjs').Signal<T | null>} */
    this.data = signal(null);
    /** Why it could not be read. @type {import('../vendor/signals.mjs').Signal<import('./api.js').ApiError | null>} */
    this.error = signal(null);
  }

  /** Reads the data. The result is not older than this call. */
  load = () => {
    this.#isStale = true;
    clearTimeout(this.#timer);
    this.#running ??= this.#run();
    return this.#running;
  };

  async #run() {
    while (this.#isStale) {
      this.#isStale = false;
      this.#isObsolete = false;
      try {
        const data = await this.#read();
        if (!this.#isObsolete) this.#succeed(data);
      } catch (thrown) {
        if (!this.#isObsolete && !this.#isStale) this.#fail(asApiError(thrown));
      }
    }
    this.#running = null;
  }

  /** @param {T} data */
  #succeed(data) {
    this.data.value = data;
    this.error.value = null;
    this.#failures = 0;
  }

  /** @param {import('./api.js').ApiError} error */
  #fail(error) {
    this.error.value = error;
    if (!error.isTemporary) return;
    this.#timer = setTimeout(this.load, Math.max(backoff(this.#failures, 1_000, 30_000), error.retryAfter));
    this.#failures += 1;
  }

  /**
   * Applies a change that the server has confirmed.
   *
   * @param {(data: T) => T} change
   */
  update(change) {
    // The result of a running read may be older than the change, and would show the old state for a moment.
    if (this.#running) this.#isStale = true;
    this.#isObsolete = true;
    if (this.data.value !== null) this.data.value = change(this.data.value);
  }

  /** Clears the data, for example after a sign-out. The result of a running read is ignored. */
  reset() {
    clearTimeout(this.#timer);
    this.#isStale = false;
    this.#isObsolete = true;
    this.data.value = null;
    this.error.value = null;
  }
}
