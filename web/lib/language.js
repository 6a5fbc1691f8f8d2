// The language of the set-up, office and staff pages, which share one setting. The guest page has its own.
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
