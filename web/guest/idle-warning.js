import { DEFAULT_LANGUAGE, t } from '../lib/i18n.js';
import { markActive, whenIdle } from '../lib/idle.js';
import { html, untracked, useEffect, useSignal } from '../lib/preact.js';
import { close, view } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { refused, waiting } from './state/ordering.js';
import { hasOrdered } from './state/orders.js';
import { isLarge, lines, party, startOver } from './state/party.js';

const IDLE = 240_000;
const WARNING = 30_000;

/** Whether the current guests have ordered or tried to. Then their cart is kept. */
const hasParty = () => hasOrdered.value || waiting.value.length > 0 || refused.value.length > 0;

/** Whether there is a dialog to close, or a cart, text size or language of guests who have left. */
const hasSomethingToReset = () =>
  view.value.name !== '' ||
  (!hasParty() && (lines.value.length > 0 || isLarge.value || party.value.language !== DEFAULT_LANGUAGE));

/** Warns before an unused page closes its dialogs and, without a party, resets cart, text size and language. */
export function IdleWarning() {
  const warnedAt = useSignal(0);
  const seconds = useSignal(0);
  const needsReset = hasSomethingToReset();
  useEffect(() => {
    if (!needsReset || warnedAt.value) return undefined;
    return whenIdle(IDLE, () => {
      seconds.value = WARNING / 1000;
      warnedAt.value = Date.now();
    });
  }, [needsReset, warnedAt.value]);
  useEffect(() => {
    if (!warnedAt.value) return undefined;
    const timer = setInterval(() => {
      seconds.value = Math.max(0, Math.ceil((warnedAt.value + WARNING - Date.now()) / 1000));
      if (seconds.value > 0) return;
      warnedAt.value = 0;
      markActive();
      untracked(reset);
    }, 1_000);
    return () => clearInterval(timer);
  }, [warnedAt.value]);
  if (!warnedAt.value) return null;
  const stay = () => {
    markActive();
    warnedAt.value = 0;
  };
  const text = !hasParty() && lines.value.length > 0 ? 'idle.text.empty' : 'idle.text';
  return html`<${Dialog} class="idle" title=${t('idle.title')} onClose=${stay}
    footer=${html`<${Button} kind="primary" class="wide" autofocus onPress=${stay}>${t('idle.stay')}<//>`}>
    <p role="timer">${t(text, { seconds: seconds.value })}</p>
  <//>`;
}

function reset() {
  close();
  if (!hasParty()) startOver();
  scrollTo({ top: 0 });
}
