import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { computed, effect, html, signal } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { toast } from '../ui/toast.js';
import { account, explain } from './state/account.js';

const OFFERED_FOR = 15_000;

/** More would cover the board. */
const AT_MOST = 3;

/** @typedef {{ about: string, text: string, undo: () => Promise<any>, warning: string, timer?: ReturnType<typeof setTimeout> }} Offer */

/** The newest is the last. @type {import('../vendor/signals.mjs').Signal<Offer[]>} */
const offers = signal([]);

const store = computed(() => account.value?.store_id);

// An action cannot be undone after a sign-out, or with a login of another store.
effect(() => {
  store.value;
  for (const { about } of offers.peek()) withdrawUndo(about);
});

/**
 * Shows an action, and offers to undo it for a while. With a warning, the offer stays until it is closed.
 *
 * @param {string} about the order or session
 * @param {string} text
 * @param {() => Promise<any>} undo
 * @param {string} [warning]
 */
export function offerUndo(about, text, undo, warning = '') {
  withdrawUndo(about);
  // The response may arrive after a sign-out.
  if (!account.peek()) return;
  const timer = warning ? undefined : setTimeout(() => withdrawUndo(about), OFFERED_FOR);
  const oldest = offers.value.find((offer) => !offer.warning) ?? offers.value[0];
  if (oldest && offers.value.length === AT_MOST) withdrawUndo(oldest.about);
  offers.value = [...offers.value, { about, text, undo, warning, timer }];
}

/** Removes the offer, for example after the action was undone elsewhere. @param {string} about */
export function withdrawUndo(about) {
  clearTimeout(offers.peek().find((offer) => offer.about === about)?.timer);
  offers.value = offers.peek().filter((offer) => offer.about !== about);
}

/** @param {Offer} offer */
async function undo({ about, text, undo: act, warning }) {
  withdrawUndo(about);
  try {
    await act();
    toast(t('staff.undone'));
  } catch (thrown) {
    const error = asApiError(thrown);
    toast(explain(error));
    if (error.isTemporary) offerUndo(about, text, act, warning);
  }
}

/**
 * Overlays the end of the board. Dialogs cover it, where a cancelled order has its own undo button.
 *
 * @param {{ children?: any }} props other notices
 */
export function UndoBar({ children }) {
  return html`<div class="undo" role="status">
    ${children}
    ${offers.value.map((offer) => html`<div class="undo-bar" key=${offer.about}>
      <p>${offer.text}${offer.warning && html`<strong class="undo-warning">${offer.warning}</strong>`}</p>
      <${Button} guard=${SECOND_TAP} onPress=${() => undo(offer)}>${t('staff.undo')}<//>
      ${offer.warning && html`<${Button} guard=${SECOND_TAP} onPress=${() => withdrawUndo(offer.about)}>${t('close')}<//>`}
    </div>`)}
  </div>`;
}
