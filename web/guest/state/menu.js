// The menu. Nothing moves while a guest reads it: an item that can no longer be ordered stays at its place and is
// marked, and a new order of items is shown when the page is idle.
import { asApiError, call } from '../../lib/api.js';
import { whenIdle } from '../../lib/idle.js';
import { batch, computed, signal } from '../../lib/preact.js';
import { backoff } from '../../lib/random.js';
import { read, write } from '../../lib/store.js';
import { arrange, keepMissingItems } from './menu-layout.js';
import { device } from './device.js';
import { authorized } from './session.js';

const NAME = 'guest.menu';
const QUIET = 2_000;

/** @typedef {import('wire').MenuItem} MenuItem */
/** @typedef {import('./menu-layout.js').Section} Section */
/** @typedef {{ store_id: string, version: number, categories: import('wire').Category[], items: MenuItem[] }} Loaded */

/** Every item that was shown, by id. @type {import('../../vendor/signals.mjs').Signal<Map<number, MenuItem>>} */
export const items = signal(new Map());

/** The categories that have items, in order. @type {import('../../vendor/signals.mjs').Signal<Section[]>} */
export const sections = signal([]);

/** The version of `items`; 0 before there are any. */
export const version = signal(0);

/** Why the menu could not be loaded. @type {import('../../vendor/signals.mjs').Signal<import('../../lib/api.js').ApiError | null>} */
export const failure = signal(null);

export const isLoaded = computed(() => version.value > 0);

/** The store whose menu is shown. */
let shownStore = '';
/** Whether the server's menu was shown since the page was opened. */
let isCurrent = false;
let wanted = 0;
let isLoading = false;
let failures = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let retry;
/** Cancels the pending change of the item order. */
let cancelRearranging = () => {};

/** Shows the stored menu, so that guests can order while the server does not respond. */
export function restore() {
  const kept = /** @type {Loaded | null} */ (read(NAME));
  if (kept && kept.store_id === device.value?.store_id) show(kept, true);
}

/**
 * Loads the menu in version `atLeast` or a later one.
 *
 * @param {number} [atLeast]
 */
export async function load(atLeast = 0) {
  wanted = Math.max(wanted, atLeast);
  if (isLoading || !device.value) return;
  isLoading = true;
  clearTimeout(retry);
  try {
    do {
      /** @type {string} */
      const store_id = device.value.store_id;
      const asked = wanted;
      const query = asked ? `menu_version=${asked}` : '';
      const [list, menu] = await Promise.all([
        get(`/customer/menu/categories?${query}`),
        get(`/customer/menu?all=true&${query}`),
      ]);
      // The tablet was paired with another store in the meantime.
      if (device.value?.store_id !== store_id) continue;
      // After a restore, the requested version may be higher than the store's: do not wait for it. A version that was
      // announced during the request is still awaited.
      if (wanted === asked) wanted = Math.min(asked, menu.menu_version);
      const loaded = { store_id, version: menu.menu_version, categories: list.categories, items: menu.menus };
      // The stored menu may be outdated, so the first loaded one replaces it completely.
      show(loaded, !isCurrent);
      isCurrent = true;
      write(NAME, loaded);
    } while (device.value && (version.value < wanted || shownStore !== device.value.store_id));
    failures = 0;
    failure.value = null;
  } catch (error) {
    failure.value = asApiError(error);
    retry = setTimeout(() => load(), backoff(failures, 1_000, 30_000));
    failures += 1;
  } finally {
    isLoading = false;
  }
}

/** @param {string} path @returns {Promise<any>} */
function get(path) {
  return authorized((token) => call('GET', path, { token }));
}

/** Removes items that are kept at their places but no longer exist, for the next party. */
export function restart() {
  cancelRearranging();
  if (shownStore && shownStore !== device.value?.store_id) empty();
  restore();
}

/** Removes the menu of another store. */
function empty() {
  shownStore = '';
  isCurrent = false;
  wanted = 0;
  batch(() => {
    items.value = new Map();
    sections.value = [];
    version.value = 0;
    failure.value = null;
  });
}

/**
 * Marks items that the server refused as sold out, until the menu is loaded again.
 *
 * @param {number[]} ids
 */
export function markSoldOut(ids) {
  const changed = new Map(items.value);
  for (const id of ids) {
    const item = changed.get(id);
    if (item) changed.set(id, { ...item, is_available: false });
  }
  items.value = changed;
}

/**
 * @param {Loaded} loaded
 * @param {boolean} isFresh whether no guest has seen the menu yet
 */
function show(loaded, isFresh) {
  const next = new Map(loaded.items.map((item) => [item.id, item]));
  if (!isFresh) {
    for (const [id, item] of items.value) {
      if (!next.has(id)) next.set(id, { ...item, is_available: false });
    }
  }
  const arranged = arrange(loaded);
  shownStore = loaded.store_id;
  batch(() => {
    items.value = next;
    version.value = loaded.version;
    if (isFresh || sections.value.length === 0) sections.value = arranged;
  });
  if (!isFresh) rearrangeWhenQuiet(arranged);
}

/** @param {Section[]} next */
function rearrangeWhenQuiet(next) {
  cancelRearranging();
  cancelRearranging = whenIdle(QUIET, () => {
    const kept = keepMissingItems(sections.value, next);
    if (JSON.stringify(kept) !== JSON.stringify(sections.value)) sections.value = kept;
  });
}
