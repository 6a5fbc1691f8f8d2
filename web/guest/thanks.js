import { t } from '../lib/i18n.js';
import { html, useEffect } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { money } from '../ui/money.js';
import { announce } from '../ui/toast.js';
import { startNextSession } from './state/session.js';
import { endedSession, isReady } from './state/thanks.js';

const SHOWN_FOR = 20_000;

/** Longer, so that guests can tell staff which orders were not delivered. */
const SHOWN_FOR_UNSENT = 60_000;

/** The thank-you page, which closes by itself for the next guests. */
export function Thanks() {
  const ready = isReady.value;
  const { total, unsent } = endedSession.value;
  const hasUnsent = unsent.length > 0;
  useEffect(() => {
    if (!ready) return undefined;
    const timer = setTimeout(startNextSession, hasUnsent ? SHOWN_FOR_UNSENT : SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [ready, hasUnsent]);
  useEffect(() => announce(t('thanks.title')), []);
  return html`<main class="entry thanks">
    <p class="progress-mark"><${Icon} name="check" /></p>
    <h1>${t('thanks.title')}</h1>
    ${total > 0 && html`<p class="thanks-total">${t('thanks.total', { total: money(total) })}</p>`}
    ${hasUnsent && html`<div class="alert" role="alert">
      <p>${t('thanks.unsent', { count: unsent.length })}</p>
      ${unsent.map((order) => html`<ul class="unsent" key=${order.key}>
        ${order.lines.map(({ menu_id, name, quantity }) => html`<li key=${menu_id}><strong>${name}</strong> ×${quantity}</li>`)}
        ${order.note && html`<li>${t('orders.note', { note: order.note })}</li>`}
      </ul>`)}
    </div>`}
    <${Button} kind="primary" isBusy=${!ready} onPress=${startNextSession}>${t(ready ? 'thanks.next' : 'thanks.preparing')}<//>
  </main>`;
}
