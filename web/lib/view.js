// Which part of the page is open. It is in the fragment of the address, so it survives a reload, and the Back button
// closes it. There is at most one entry of the history above the first one.
import { signal } from './preact.js';
import { mayLeave } from './unsaved.js';

/** @typedef {{ name: string, id: string }} View */

/** @returns {View} */
function parse() {
  const [name = '', id = ''] = location.hash.slice(1).split('/');
  return { name, id };
}

/** What is open; the name is empty where nothing is. */
export const view = signal(parse());

addEventListener('popstate', () => {
  if (mayLeave()) view.value = parse();
  else history.pushState({ isTop: true }, '', address(view.value));
});

/** @param {View} view */
function address({ name, id }) {
  return `#${name}${id && `/${id}`}`;
}

/**
 * @param {string} name
 * @param {string | number} [id]
 */
export function open(name, id = '') {
  const next = address({ name, id: String(id) });
  if (history.state?.isTop) history.replaceState({ isTop: true }, '', next);
  else history.pushState({ isTop: true }, '', next);
  view.value = parse();
}

export function close() {
  if (view.value.name === '') return;
  history.replaceState(history.state, '', '#');
  view.value = { name: '', id: '' };
}
