// Amounts are integers in the currency's minor unit; the server computes them.

/** The currency of all stores, because the API has no currency setting yet. */
const CURRENCY = 'KRW';

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/**
 * @param {number} amount
 * @param {string} language
 */
export function formatMoney(amount, language) {
  if (language === 'ko') return `${new Intl.NumberFormat(language).format(amount)}원`;
  let format = formats.get(language);
  if (!format) {
    format = new Intl.NumberFormat(language, { style: 'currency', currency: CURRENCY, currencyDisplay: 'narrowSymbol' });
    formats.set(language, format);
  }
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  return format.format(amount / 10 ** digits);
}
