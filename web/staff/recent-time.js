// Times of parties and orders, with the day if they are from an earlier one: staff may have forgotten to complete a table.
import { language } from '../lib/i18n.js';
import { serverNow } from '../lib/time.js';

/** Within this time, a time of day is unmistakable, also after midnight. */
const WITHOUT_DAY = 12 * 3_600_000;

const TIME = /** @type {const} */ ({ hour: 'numeric', minute: '2-digit' });
const DAY = /** @type {const} */ ({ month: 'short', day: 'numeric' });

/** @param {string} moment */
const isRecent = (moment) => serverNow() - Date.parse(moment) < WITHOUT_DAY;

/** @param {string} moment @param {Intl.DateTimeFormatOptions} options */
const format = (moment, options) => new Intl.DateTimeFormat(language.value, options).format(new Date(moment));

/** The time of day, after the day if it is needed. @param {string} moment */
export function recentTime(moment) {
  return format(moment, isRecent(moment) ? TIME : { ...DAY, ...TIME });
}

/** The time of day, or the day if it is needed, for a place that has no room for both. @param {string} moment */
export function recentTimeOrDay(moment) {
  return format(moment, isRecent(moment) ? TIME : DAY);
}
