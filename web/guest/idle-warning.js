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

/** Whether guests sit here who have ordered, or tried to: what they have in the cart is theirs. */
const isTaken = () => hasOrdered.value || waiting.value.length > 0 || refused.value.length > 0;

/** Whether somebody has left something behind. */
const hasTraces = () =>
  view.value.name !== '' ||
  (!isTaken() && (lines.value.length > 0 || isLarge.value || party.value.language !== DEFAULT_LANGUAGE));

/** Warns before the page returns to its start, as after somebody who only looked. */
export function IdleWarning() {
  const warnedAt = useSignal(0);
  const seconds = useSignal(0);
  const traces = hasTraces();
  useEffect(() => {
    if (!traces || warnedAt.value) return undefined;
    return whenIdle(IDLE, () => {
      seconds.value = WARNING / 1000;
      warnedAt.value = Date.now();
    });
  }, [traces, warnedAt.value]);
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
  const text = !isTaken() && lines.value.length > 0 ? 'idle.text.empty' : 'idle.text';
  return html`<${Dialog} class="idle" title=${t('idle.title')} onClose=${stay}
    footer=${html`<${Button} kind="primary" class="wide" autofocus onPress=${stay}>${t('idle.stay')}<//>`}>
    <p role="timer">${t(text, { seconds: seconds.value })}</p>
  <//>`;
}

function reset() {
  close();
  if (!isTaken()) startOver();
  scrollTo({ top: 0 });
}
