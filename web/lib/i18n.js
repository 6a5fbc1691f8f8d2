// Texts in the guest's language.
import { signal } from './preact.js';
import { backoff } from './random.js';

/** @typedef {'ko' | 'en' | 'ja' | 'zh'} Language */

/** Each with its name in itself. @type {ReadonlyArray<{ code: Language, name: string }>} */
export const LANGUAGES = [
  { code: 'ko', name: '한국어' },
  { code: 'en', name: 'English' },
  { code: 'ja', name: '日本語' },
  { code: 'zh', name: '中文' },
];

/** @type {Language} */
export const DEFAULT_LANGUAGE = 'ko';

/** The language that texts are shown in. */
export const language = signal(/** @type {Language} */ (DEFAULT_LANGUAGE));

/** @type {import('../vendor/signals.mjs').Signal<Partial<Record<Language, Record<string, string>>>>} */
const texts = signal({});

/** The folders of the texts that the page needs. */
let folders = ['locales'];

/** @param {Language} code */
async function load(code) {
  if (texts.value[code]) return;
  const all = await Promise.all(folders.map((folder) => read(`${folder}/${code}.json`)));
  texts.value = { ...texts.value, [code]: Object.assign({}, ...all) };
}

/** @param {string} path beside this module's folder, so the file belongs to the same build */
async function read(path) {
  const response = await fetch(new URL(`../${path}`, import.meta.url));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/**
 * Shows the texts in `first` as soon as they are there, then loads the others: a switch must work without a network.
 *
 * @param {Language} first
 * @param {string} [page] which has texts of its own, as others need not load them
 */
export async function startTexts(first, page) {
  if (page) folders = ['locales', `locales/${page}`];
  for (let failures = 0; !texts.value[first]; failures += 1) {
    if (failures > 0) await new Promise((resolve) => setTimeout(resolve, backoff(failures, 500, 10_000)));
    await setLanguage(first);
  }
  const others = () => Promise.allSettled(LANGUAGES.map(({ code }) => load(code)));
  // After the page has sent its own requests.
  setTimeout(others);
  addEventListener('online', others);
}

/**
 * Switches at once to a language whose texts are there, else as soon as they are.
 *
 * @param {Language} code
 */
export async function setLanguage(code) {
  try {
    await load(code);
  } catch {
    return;
  }
  language.value = code;
  document.documentElement.lang = code;
}

/**
 * The text of `key`, with `{name}` replaced by the value of that name.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const text = texts.value[language.value]?.[key] ?? texts.value[DEFAULT_LANGUAGE]?.[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * Whether there is a text of `key`.
 *
 * @param {string} key
 */
export function hasText(key) {
  return texts.value[DEFAULT_LANGUAGE]?.[key] !== undefined;
}

/** The language of the server's messages, which it has in two. */
export function messageLanguage() {
  return language.value === 'ko' ? 'ko' : 'en';
}
