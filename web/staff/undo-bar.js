import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { html, signal } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { toast } from '../ui/toast.js';
import { explain } from './state/account.js';

const OFFERED_FOR = 15_000;

/** @typedef {{ about: string, text: string, undo: () => Promise<any> }} Offer */

/** @type {import('../vendor/signals.mjs').Signal<Offer | null>} */
const offer = signal(null);
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * Shows the last action, and offers to undo it for a while.
 *
 * @param {string} about the order or session
 * @param {string} text
 * @param {() => Promise<any>} undo
 */
export function offerUndo(about, text, undo) {
  clearTimeout(timer);
  offer.value = { about, text, undo };
  timer = setTimeout(() => {
    offer.value = null;
  }, OFFERED_FOR);
}

/** Removes the offer after the action was undone elsewhere. @param {string} about */
export function withdrawUndo(about) {
  if (offer.value?.about === about) offer.value = null;
}

/** Overlays the end of the board. Dialogs cover it, where a cancelled order has its own undo button. */
export function UndoBar() {
  const offered = offer.value;
  const undo = async () => {
    if (!offered) return;
    offer.value = null;
    try {
      await offered.undo();
      toast(t('staff.undone'));
    } catch (thrown) {
      const error = asApiError(thrown);
      toast(explain(error));
      if (error.isTemporary && !offer.value) offerUndo(offered.about, offered.text, offered.undo);
    }
  };
  return html`<div class="undo" role="status">
    ${offered && html`<div class="undo-bar"><p>${offered.text}</p><${Button} key=${offered.about} guard=${SECOND_TAP} onPress=${undo}>${t('staff.undo')}<//></div>`}
  </div>`;
}
