// The only module that reads event streams. It uses `fetch`, because `EventSource` cannot send a token, does not report
// heartbeats and stops after some errors.
import { asApiError, send } from './api.js';
import { signal } from './preact.js';
import { backoff } from './random.js';

/** The server sends a heartbeat every 15 seconds. Without any byte for this time, the connection is dead. */
const SILENCE = 45_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

/** After this time without a connection, the page shows that it is offline. */
const OFFLINE_AFTER = 10_000;

/** @typedef {'connecting' | 'live' | 'reconnecting' | 'offline'} StreamState */

export class EventStream {
  /** @type {AbortController | null} */ #connection = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #lastEventId = '';
  #failures = 0;
  #firstPause = FIRST_PAUSE;
  #lastByteAt = 0;
  #lostAt = 0;

  /**
   * @param {object} options
   * @param {string} options.path
   * @param {() => string} options.token
   * @param {(name: string, data: any, id: string) => void} options.onEvent
   * @param {(error: import('./api.js').ApiError) => Promise<boolean>} options.onRefused returns whether to reconnect
   */
  constructor({ path, token, onEvent, onRefused }) {
    this.path = path;
    this.token = token;
    this.onEvent = onEvent;
    this.onRefused = onRefused;
    this.state = signal(/** @type {StreamState} */ ('connecting'));
    /** When the last byte arrived, by the browser's clock. */
    this.heardAt = signal(0);
    const check = () => this.check();
    // After a network outage, the old connection may be dead without an error.
    addEventListener('online', () => this.#reconnect());
    addEventListener('pageshow', check);
    addEventListener('offline', () => this.#setLost());
    document.addEventListener('visibilitychange', check);
  }

  /**
   * Connects. Without `lastEventId`, only new events are received.
   *
   * @param {string} [lastEventId]
   */
  start(lastEventId = '') {
    this.stop();
    this.#lastEventId = lastEventId;
    this.#failures = 0;
    this.#lostAt = Date.now();
    this.state.value = 'connecting';
    this.#connect();
  }

  /** Continues after the last handled event. */
  resume() {
    this.start(this.#lastEventId);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#connection?.abort();
    this.#connection = null;
  }

  /** Connects now if a reconnection is pending, or if the connection seems dead, for example after a sleep. */
  check() {
    if (document.visibilityState === 'hidden') return;
    if (this.#connection && Date.now() - this.#lastByteAt < SILENCE / 2) return;
    this.#reconnect();
  }

  #reconnect() {
    if (this.#connection === null && this.#timer === undefined) return;
    this.stop();
    this.#connect();
  }

  async #connect() {
    const connection = new AbortController();
    this.#connection = connection;
    this.#timer = undefined;
    this.#lastByteAt = Date.now();
    const watch = setInterval(() => {
      if (Date.now() - this.#lastByteAt > SILENCE) connection.abort();
    }, 1_000);
    let wait = 0;
    try {
      const headers = this.#lastEventId ? { 'Last-Event-ID': this.#lastEventId } : undefined;
      const response = await send('GET', this.path, { token: this.token(), headers, signal: connection.signal });
      await this.#read(response);
    } catch (error) {
      const refused = asApiError(error);
      wait = refused.retryAfter;
      if (this.#connection === connection && refused.status !== 0) {
        const isRetried = await this.onRefused(refused);
        // Another connection may have been started in the meantime.
        if (!isRetried && this.#connection === connection) this.#connection = null;
      }
    } finally {
      clearInterval(watch);
    }
    if (this.#connection !== connection) return;
    this.#connection = null;
    if (this.state.value === 'live') this.#lostAt = Date.now();
    this.#setLost();
    const pause = Math.max(backoff(this.#failures, this.#firstPause, LONGEST_PAUSE), wait);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#connect(), pause);
  }

  #setLost() {
    const isOffline = !navigator.onLine || Date.now() - this.#lostAt > OFFLINE_AFTER;
    this.state.value = isOffline ? 'offline' : 'reconnecting';
  }

  /** @param {Response} response */
  async #read(response) {
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    const decoder = new TextDecoder();
    let rest = '';
    let event = { id: '', name: 'message', data: '' };
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.#lastByteAt = Date.now();
      this.heardAt.value = this.#lastByteAt;
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') {
          if (event.data) this.#dispatch(event);
          event = { id: '', name: 'message', data: '' };
        } else {
          this.#field(event, line);
        }
      }
    }
  }

  /**
   * @param {{ id: string, name: string, data: string }} event
   * @param {string} line
   */
  #field(event, line) {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') event.data += value;
    else if (name === 'event') event.name = value;
    else if (name === 'id') event.id = value;
    else if (name === 'retry' && Number(value) > 0) this.#firstPause = Number(value);
  }

  /** @param {{ id: string, name: string, data: string }} event */
  #dispatch({ id, name, data }) {
    if (name === 'connected' || name === 'reset') {
      this.#failures = 0;
      this.state.value = 'live';
    }
    this.onEvent(name, JSON.parse(data), id);
    // Set it after the handling, so that an event whose handling failed is replayed.
    if (id) this.#lastEventId = id;
  }
}
