import { t } from '../lib/i18n.js';
import { html, useEffect } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { money } from '../ui/money.js';
import { announce } from '../ui/toast.js';
import { farewell, isReady } from './state/live.js';
import { begin } from './state/session.js';

const SHOWN_FOR = 20_000;

/** Says goodbye, and gives way to the next guests by itself. */
export function Thanks() {
  const ready = isReady.value;
  useEffect(() => {
    if (!ready) return undefined;
    const timer = setTimeout(begin, SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [ready]);
  useEffect(() => announce(t('thanks.title')), []);
  const { total, unsent } = farewell.value;
  return html`<main class="entry thanks">
    <p class="progress-mark"><${Icon} name="check" /></p>
    <h1>${t('thanks.title')}</h1>
    ${total > 0 && html`<p class="thanks-total">${t('thanks.total', { total: money(total) })}</p>`}
    ${unsent > 0 && html`<p class="alert" role="alert">${t('thanks.unsent', { count: unsent })}</p>`}
    <${Button} kind="primary" isBusy=${!ready} onPress=${begin}>${t(ready ? 'thanks.next' : 'thanks.preparing')}<//>
  </main>`;
}
