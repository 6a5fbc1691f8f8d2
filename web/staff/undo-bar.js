import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { html, signal } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { toast } from '../ui/toast.js';

const OFFERED_FOR = 15_000;

/** @type {import('../vendor/signals.mjs').Signal<{ text: string, undo: () => Promise<any> } | null>} */
const offer = signal(null);
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * Shows the last action, and offers to undo it for a while.
 *
 * @param {string} text
 * @param {() => Promise<any>} undo
 */
export function offerUndo(text, undo) {
  clearTimeout(timer);
  offer.value = { text, undo };
  timer = setTimeout(() => {
    offer.value = null;
  }, OFFERED_FOR);
}

export function UndoBar() {
  const offered = offer.value;
  const undo = async () => {
    offer.value = null;
    try {
      await offered?.undo();
      toast(t('staff.undone'));
    } catch (error) {
      toast(asApiError(error).text);
    }
  };
  return html`<div class="undo" role="status">
    ${offered && html`<div class="undo-bar"><p>${offered.text}</p><${Button} onPress=${undo}>${t('staff.undo')}<//></div>`}
  </div>`;
}
