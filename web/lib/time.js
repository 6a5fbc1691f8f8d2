// The server's time. A tablet's clock may be wrong by hours.
import { read, write } from './store.js';

const NAME = 'clock';

/** Server time minus browser time, in milliseconds. It is stored for pages that are opened while the server is down. */
let offset = Number(read(NAME)) || 0;

/**
 * Updates the offset from a response.
 *
 * @param {Headers} headers
 * @param {number} sentAt browser time when the request was sent
 */
export function learnTime(headers, sentAt) {
  const date = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(date)) return;
  // The header has whole seconds, so the true time is half a second later on average.
  const estimate = date + 500 - (sentAt + Date.now()) / 2;
  // A slow response is imprecise: keep the known offset if it is within the possible range.
  const uncertainty = (Date.now() - sentAt) / 2 + 500;
  if (Math.abs(estimate - offset) <= uncertainty) return;
  offset = Math.round(estimate);
  write(NAME, offset);
}

/** The server's time, in milliseconds since 1970. */
export function serverNow() {
  return Date.now() + offset;
}

/**
 * The time of day.
 *
 * @param {string | number} moment
 * @param {string} language
 */
export function clockTime(moment, language) {
  return new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' }).format(new Date(moment));
}

/**
 * The day and the time of day.
 *
 * @param {string | number} moment
 * @param {string} language
 */
export function dateTime(moment, language) {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(moment));
}
