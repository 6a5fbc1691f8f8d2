// The part of the page that is open. It is in the URL fragment, so a reload keeps it and the Back button closes it. The
// page adds at most one history entry.
import { signal } from './preact.js';
import { mayLeave } from './unsaved.js';

/** @typedef {{ name: string, id: string }} View */

/** @returns {View} */
function parse() {
  const [name = '', id = ''] = location.hash.slice(1).split('/');
  return { name, id };
}

/** The open part; its name is empty if nothing is open. */
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
