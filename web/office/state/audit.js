// The audit log, newest first, page by page.
import { asApiError } from '../../lib/api.js';
import { signal } from '../../lib/preact.js';
import { request } from './account.js';

/** @typedef {import('wire').AuditEntry} AuditEntry */

/** @type {import('../../vendor/signals.mjs').Signal<AuditEntry[] | null>} */
export const entries = signal(null);

/** @type {import('../../vendor/signals.mjs').Signal<import('../../lib/api.js').ApiError | null>} */
export const failure = signal(null);

/** The action to show; empty for all. */
export const action = signal('');

export const isLoading = signal(false);

/** The cursor of the next page; empty after the last one. */
export const next = signal('');

let loads = 0;

/**
 * Reads the newest entries, or those after a page.
 *
 * @param {string} [cursor]
 */
export async function load(cursor = '') {
  loads += 1;
  const own = loads;
  isLoading.value = true;
  failure.value = null;
  try {
    const filter = `${action.value && `&action=${action.value}`}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    /** @type {import('wire').AuditList} */
    const page = await request('GET', `/admin/audit?limit=50${filter}`);
    // Another filter was chosen since the request was sent.
    if (own !== loads) return;
    entries.value = cursor ? [...(entries.value ?? []), ...page.entries] : page.entries;
    next.value = page.next_cursor ?? '';
  } catch (error) {
    if (own === loads) failure.value = asApiError(error);
  } finally {
    if (own === loads) isLoading.value = false;
  }
}

/** @param {string} name of the action */
export function choose(name) {
  action.value = name;
  entries.value = null;
  load();
}

export function reset() {
  loads += 1;
  entries.value = null;
  next.value = '';
  action.value = '';
}
