// Sends requests to the API.
import { hasText, messageLanguage, t } from './i18n.js';
import { learnTime } from './time.js';

const PREFIX = '/api/v1';

/** The longest time to wait for a response, in milliseconds. */
const TIMEOUT = 10_000;

/** An error response, or no response (status 0). */
export class ApiError extends Error {
  /**
   * @param {number} status 0 if there was no response
   * @param {Partial<import('wire').ErrorBody>} [body]
   * @param {number} [retryAfter] in milliseconds
   */
  constructor(status, body = {}, retryAfter = 0) {
    super(body.message ?? 'no answer');
    this.status = status;
    this.code = /** @type {string} */ (body.code ?? (status === 0 ? 'NO_ANSWER' : 'INTERNAL_ERROR'));
    this.body = body;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later. */
  get isTemporary() {
    const { status, code } = this;
    return status === 0 || status === 408 || status === 429 || status >= 500 || code === 'IDEMPOTENCY_IN_PROGRESS';
  }

  /** Whether the server may have made the change: there was no response, or one of a proxy that got none. */
  get mayBeDone() {
    return [0, 502, 504].includes(this.status);
  }

  /** The message to show. */
  get text() {
    const key = `error.${this.code}`;
    if (this.code === 'TOO_MANY_REQUESTS' && this.retryAfter > 0) {
      const seconds = Math.ceil(this.retryAfter / 1000);
      return seconds > 60 ? t('wait.minutes', { count: Math.ceil(seconds / 60) }) : t('wait.seconds', { count: seconds });
    }
    return hasText(key) ? t(key) : this.message;
  }
}

/**
 * @param {unknown} error
 * @returns {ApiError}
 */
export function asApiError(error) {
  return error instanceof ApiError ? error : new ApiError(0);
}

/**
 * The text of `key` if it exists, else the general text of the error's code, which may be worded for guests.
 *
 * @param {ApiError} error
 * @param {string} key
 */
export function explained(error, key) {
  return hasText(key) ? t(key) : error.text;
}

/**
 * Sends a request and reads the status and headers of the response.
 *
 * @param {string} method
 * @param {string} path below the API's prefix
 * @param {{ token?: string, body?: string, headers?: Record<string, string>, signal: AbortSignal }} options
 */
export async function send(method, path, { token, body, headers = {}, signal }) {
  /** @type {Record<string, string>} */
  const all = { 'Accept-Language': messageLanguage(), ...headers };
  if (token) all.Authorization = `Bearer ${token}`;
  if (body !== undefined) all['Content-Type'] = 'application/json';
  const sentAt = Date.now();
  let response;
  try {
    response = await fetch(PREFIX + path, { method, headers: all, body, signal, credentials: 'omit' });
  } catch {
    throw new ApiError(0);
  }
  learnTime(response.headers, sentAt);
  if (!response.ok) throw await refusal(response);
  return response;
}

/** @param {Response} response */
async function refusal(response) {
  const seconds = Number(response.headers.get('retry-after'));
  const retryAfter = Number.isFinite(seconds) ? seconds * 1000 : 0;
  try {
    const { error } = await response.json();
    return new ApiError(response.status, error, retryAfter);
  } catch {
    return new ApiError(response.status, {}, retryAfter);
  }
}

/**
 * Sends a request and reads the JSON of the response.
 *
 * @template T
 * @param {string} method
 * @param {string} path below the API's prefix
 * @param {{ token?: string, body?: string, headers?: Record<string, string> }} [options]
 * @returns {Promise<T>}
 */
export async function call(method, path, options = {}) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT);
  try {
    const response = await send(method, path, { ...options, signal: abort.signal });
    return await response.json();
  } catch (error) {
    throw asApiError(error);
  } finally {
    clearTimeout(timer);
  }
}
