import { html, signal, useRef } from '../lib/preact.js';

const SHOWN_FOR = 3_500;

/** @type {import('../vendor/signals.mjs').Signal<{ id: number, text: string } | null>} */
const shown = signal(null);
/** The last announced text, in a new object for each announcement. */
const said = signal({ text: '' });
let last = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * Shows a short message, which disappears by itself.
 *
 * @param {string} text
 */
export function toast(text) {
  last += 1;
  shown.value = { id: last, text };
  announce(text);
  clearTimeout(timer);
  timer = setTimeout(() => {
    shown.value = null;
  }, SHOWN_FOR);
}

/**
 * Announces a text to screen readers.
 *
 * @param {string} text
 */
export function announce(text) {
  // Screen readers announce only changes, so a repeated text gets a space.
  said.value = { text: said.peek().text === text ? `${text}\u00a0` : text };
}

/**
 * Has the texts for screen readers. Each dialog has its own, because they ignore everything outside an open dialog.
 * A text from before does not belong to it.
 */
export function Announcements() {
  const before = useRef(said.peek());
  return html`<p class="visually-hidden" role="status">${said.value === before.current ? '' : said.value.text}</p>`;
}

/**
 * The area of toasts. `children` are notices that stay, below the toast.
 *
 * @param {{ children?: any }} props
 */
export function Toast({ children }) {
  return html`<div class="toasts">
    <${Announcements} />
    ${shown.value && html`<p key=${shown.value.id} class="toast" aria-hidden="true">${shown.value.text}</p>`}
    ${children}
  </div>`;
}
