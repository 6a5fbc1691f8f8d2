// Texts in the user's language.
import { signal } from './preact.js';
import { backoff } from './random.js';

/** @typedef {'ko' | 'en' | 'ja' | 'zh'} Language */

/** Languages with their own names. @type {ReadonlyArray<{ code: Language, name: string }>} */
export const LANGUAGES = [
  { code: 'ko', name: '한국어' },
  { code: 'en', name: 'English' },
  { code: 'ja', name: '日本語' },
  { code: 'zh', name: '中文' },
];

/** @type {Language} */
export const DEFAULT_LANGUAGE = 'ko';

/** The current language. */
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

/** @param {string} path below `web/`; resolved against this module's URL, so the file is of the same build */
async function read(path) {
  const response = await fetch(new URL(`../${path}`, import.meta.url));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/**
 * Loads the texts in `first`, then in the other languages, so that a switch works without a network.
 *
 * @param {Language} first
 * @param {string} [page] the folder of the page's own texts
 */
export async function startTexts(first, page) {
  if (page) folders = ['locales', `locales/${page}`];
  await setLanguage(first);
  const others = () => Promise.allSettled(LANGUAGES.map(({ code }) => load(code)));
  // Load them after the page has sent its own requests.
  setTimeout(others);
  addEventListener('online', others);
}

/** The language that was chosen last. Its texts may still be loading. */
let wanted = /** @type {Language} */ (DEFAULT_LANGUAGE);

/**
 * Switches the language, after loading its texts if necessary. If that fails, the language stays until it succeeds, unless
 * another one is chosen.
 *
 * @param {Language} code
 */
export async function setLanguage(code) {
  wanted = code;
  for (let failures = 0; !texts.value[code]; failures += 1) {
    if (failures > 0) await new Promise((resolve) => setTimeout(resolve, backoff(failures, 500, 10_000)));
    if (wanted !== code) return;
    await load(code).catch(() => {});
  }
  if (wanted !== code) return;
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

/** The language for the server's messages, which exist in Korean and English only. */
export function messageLanguage() {
  return language.value === 'ko' ? 'ko' : 'en';
}
