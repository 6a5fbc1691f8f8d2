// The store that was used last in this browser, so that no page asks for its code again.
import { read, write } from './store.js';

const NAME = 'last_store';

/** @returns {string} its code; empty if there is none */
export function lastStore() {
  return read(NAME) ?? '';
}

/** @param {string} code */
export function rememberStore(code) {
  write(NAME, code);
}
