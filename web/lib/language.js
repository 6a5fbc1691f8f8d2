// The language of set-up, office and staff page: one choice for all of them. Guests have their own.
import { DEFAULT_LANGUAGE, setLanguage } from './i18n.js';
import { read, write } from './store.js';

const NAME = 'language';

/** @returns {import('./i18n.js').Language} */
export function savedLanguage() {
  return read(NAME) ?? DEFAULT_LANGUAGE;
}

/** @param {import('./i18n.js').Language} code */
export function chooseLanguage(code) {
  write(NAME, code);
  setLanguage(code);
}
