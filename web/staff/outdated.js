import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { isOutdated, refresh, stream, tables } from './state/board.js';

/**
 * Warns that orders and totals may be old: the browser is offline, or reading them has failed.
 *
 * @param {{ hasFailed?: boolean, onRetry?: () => void }} props whether more data could not be read, and how to read it
 */
export function Outdated({ hasFailed, onRetry }) {
  const isOld = isOutdated.value || hasFailed || stream.state.value === 'offline';
  if (!isOld || tables.value === null) return null;
  const retry = () => {
    stream.check();
    refresh();
    onRetry?.();
  };
  return html`<div class="alert outdated" role="alert">
    <p>${t('staff.outdated')}</p>
    <${Button} onPress=${retry}>${t('retry')}<//>
  </div>`;
}
