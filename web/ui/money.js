import { language } from '../lib/i18n.js';
import { formatMoney } from '../lib/money.js';
import { html } from '../lib/preact.js';

/** @param {{ amount: number, class?: string }} props */
export function Money({ amount, class: extra = '' }) {
  return html`<span class=${`money ${extra}`}>${formatMoney(amount, language.value)}</span>`;
}

/** @param {number} amount */
export function money(amount) {
  return formatMoney(amount, language.value);
}
