// The cart with the current names, prices and availability of its items.
import { computed } from '../../lib/preact.js';
import { isLoaded, items, version } from './menu.js';
import { lines, note } from './party.js';

/**
 * A line of the cart with the current values of its item.
 *
 * @typedef {object} CartView
 * @property {import('wire').CartLine} line
 * @property {string} name
 * @property {number} price
 * @property {boolean} isSoldOut
 * @property {boolean} isChanged whether the name or price differs from the one that the guest has seen
 * @property {number} subtotal
 */

/** @typedef {{ lines: CartView[], note: string, total: number, version: number, hasSoldOut: boolean, hasChanges: boolean }} Cart */

/** @param {import('wire').CartLine} line @returns {CartView} */
function cartViewOf(line) {
  const item = items.value.get(line.menu_id);
  const isSoldOut = isLoaded.value && !item?.is_available;
  const { name, price } = item ?? line;
  const isChanged = !isSoldOut && (name !== line.name || price !== line.price);
  return { line, name, price, isSoldOut, isChanged, subtotal: isSoldOut ? 0 : price * line.quantity };
}

/** The cart as it is shown, with the values of one menu version. */
export const cart = computed(() => {
  const all = lines.value.map(cartViewOf);
  return /** @type {Cart} */ ({
    lines: all,
    note: note.value,
    total: all.reduce((sum, { subtotal }) => sum + subtotal, 0),
    version: version.value,
    hasSoldOut: all.some(({ isSoldOut }) => isSoldOut),
    hasChanges: all.some(({ isChanged }) => isChanged),
  });
});

/** @type {Map<number, import('../../vendor/signals.mjs').ReadonlySignal<number>>} */
const quantities = new Map();

/**
 * The quantity of an item in the cart. Each item has its own signal, so that only cards with a changed quantity are
 * rendered again.
 *
 * @param {number} id
 */
export function quantityOf(id) {
  let quantity = quantities.get(id);
  if (!quantity) {
    quantity = computed(() => lines.value.find((line) => line.menu_id === id)?.quantity ?? 0);
    quantities.set(id, quantity);
  }
  return quantity;
}

/** @type {Map<number, import('../../vendor/signals.mjs').ReadonlySignal<import('wire').MenuItem | undefined>>} */
const single = new Map();

/**
 * An item of the menu. Each has its own signal, so that only cards of changed items are rendered again.
 *
 * @param {number} id
 */
export function itemOf(id) {
  let item = single.get(id);
  if (!item) {
    /** @type {import('wire').MenuItem | undefined} */
    let last;
    item = computed(() => {
      const next = items.value.get(id);
      // Each load of the menu creates new objects, also for unchanged items.
      if (JSON.stringify(next) !== JSON.stringify(last)) last = next;
      return last;
    });
    single.set(id, item);
  }
  return item;
}
