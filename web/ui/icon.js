// Icons on a grid of 24 by 24. Screen readers skip them, because each is next to a text.
import { html } from '../lib/preact.js';

const PATHS = {
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  close: 'M6 6l12 12M18 6L6 18',
  cart: 'M3 5h2.2l2 10.2a1.5 1.5 0 0 0 1.5 1.2h7.9a1.5 1.5 0 0 0 1.5-1.2L19.5 8.5H6.2M9.5 20.2v.1M16.5 20.2v.1',
  orders: 'M7 3.5h10a1 1 0 0 1 1 1v16l-3-2-3 2-3-2-3 2v-16a1 1 0 0 1 1-1zM9.5 8.5h5M9.5 12.5h5',
  globe: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM3.7 12h16.6M12 3.5c2.4 2.3 3.5 5.2 3.5 8.5s-1.1 6.2-3.5 8.5c-2.4-2.3-3.5-5.2-3.5-8.5s1.1-6.2 3.5-8.5z',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  wait: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2',
  warn: 'M12 4L2.8 19.5h18.4zM12 10v4.5M12 17v.1',
  up: 'M5 15l7-7 7 7',
  down: 'M5 9l7 7 7-7',
  handle: 'M5 8.5h14M5 15.5h14',
  leave: 'M13 4.5H6v15h7M10 12h10M16.5 8.5L20 12l-3.5 3.5',
  trash: 'M5 7h14M10 7V5h4v2M7 7l.8 12.5h8.4L17 7',
};

/** @param {{ name: keyof typeof PATHS }} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${PATHS[name]} /></svg>`;
}
