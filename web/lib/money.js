// Amounts are integers in the currency's minor unit; the server computes them.

/** The currency of all stores, because the API has no currency setting yet. */
const CURRENCY = 'KRW';

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/**
 * @param {number} amount
 * @param {string} language
 * @param {string} [currency]
 */
export function formatMoney(amount, language, currency = CURRENCY) {
  if (currency === 'KRW' && language === 'ko') return `${number(amount, language)}원`;
  const name = `${language} ${currency}`;
  let format = formats.get(name);
  if (!format) {
    format = new Intl.NumberFormat(language, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
    formats.set(name, format);
  }
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  return format.format(amount / 10 ** digits);
}

/**
 * @param {number} value
 * @param {string} language
 */
function number(value, language) {
  return new Intl.NumberFormat(language).format(value);
}
