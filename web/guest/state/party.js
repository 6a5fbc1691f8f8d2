// The state of the current guests: language, text size, cart. It is reset when their session ends.
import { DEFAULT_LANGUAGE, language, setLanguage } from '../../lib/i18n.js';
import { computed, effect, signal } from '../../lib/preact.js';
import { onChange, read, write } from '../../lib/store.js';

const NAME = 'guest.party';
const MAX_QUANTITY = 999;
const MAX_LINES = 100;

/** @typedef {import('wire').CartLine} CartLine */
/** @typedef {{ session_id: number, language: import('../../lib/i18n.js').Language, large: boolean, lines: CartLine[], note: string }} Party */

/** @param {number} session @returns {Party} */
const newParty = (session) => ({ session_id: session, language: DEFAULT_LANGUAGE, large: false, lines: [], note: '' });

/** @type {import('../../vendor/signals.mjs').Signal<Party>} */
export const party = signal(read(NAME) ?? newParty(0));

export const lines = computed(() => party.value.lines);
export const note = computed(() => party.value.note);
export const isLarge = computed(() => party.value.large);
export const cartCount = computed(() => lines.value.reduce((sum, line) => sum + line.quantity, 0));

onChange(NAME, () => {
  party.value = read(NAME) ?? party.value;
});

effect(() => {
  if (party.value.language !== language.peek()) setLanguage(party.value.language);
});
effect(() => {
  document.documentElement.dataset.text = isLarge.value ? 'large' : 'normal';
});

/** @param {Partial<Party>} change */
function update(change) {
  const next = { ...party.peek(), ...change };
  write(NAME, next);
  party.value = next;
}

/**
 * Continues with the party of this session, or starts a new one.
 *
 * @param {number} session
 */
export function enter(session) {
  // Another tab may have entered the session already.
  party.value = read(NAME) ?? party.peek();
  if (party.peek().session_id !== session) update(newParty(session));
}

/**
 * Moves the same guests to another session.
 *
 * @param {number} session
 */
export function moveTo(session) {
  update({ session_id: session });
}

/** @param {import('../../lib/i18n.js').Language} code */
export function chooseLanguage(code) {
  update({ language: code });
}

/** @param {boolean} large */
export function setLarge(large) {
  update({ large });
}

/** @param {string} text */
export function setNote(text) {
  update({ note: text });
}

/**
 * Adds a line to the cart.
 *
 * @param {CartLine} line
 * @returns {boolean} whether the cart was not full
 */
export function add(line) {
  const all = lines.peek();
  const same = all.find((one) => one.menu_id === line.menu_id);
  if (!same && all.length >= MAX_LINES) return false;
  const quantity = Math.min((same?.quantity ?? 0) + line.quantity, MAX_QUANTITY);
  const next = same ? all.map((one) => (one === same ? { ...one, quantity } : one)) : [...all, { ...line, quantity }];
  update({ lines: next });
  return true;
}

/**
 * @param {number} id
 * @param {number} quantity
 */
export function setQuantity(id, quantity) {
  const next = Math.max(1, Math.min(quantity, MAX_QUANTITY));
  update({ lines: lines.peek().map((line) => (line.menu_id === id ? { ...line, quantity: next } : line)) });
}

/** @param {number[]} ids */
export function removeLines(ids) {
  update({ lines: lines.peek().filter((line) => !ids.includes(line.menu_id)) });
}

/**
 * Takes over the current names and prices.
 *
 * @param {Map<number, import('wire').MenuItem>} menu
 */
export function acceptChanges(menu) {
  const accept = (/** @type {CartLine} */ line) => {
    const item = menu.get(line.menu_id);
    return item ? { ...line, name: item.name, price: item.price } : line;
  };
  update({ lines: lines.peek().map(accept) });
}

export function emptyCart() {
  update({ lines: [], note: '' });
}

/** Resets the page for a new party in the same session. */
export function startOver() {
  update(newParty(party.peek().session_id));
}
