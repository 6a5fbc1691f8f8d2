import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { dismiss, failures } from './state/availability.js';

/** More would cover the menu. */
const AT_MOST = 3;

/** Notices about sold-out switches that could not be changed. */
export function SwitchFailures() {
  return [...failures.value].slice(-AT_MOST).map(([id, { text }]) => html`<div key=${id} class="page-notice alert" role="alert">
    <p>${text}</p><${Button} kind="plain" class="icon-only" guard=${SECOND_TAP} label=${t('close')} onPress=${() => dismiss(id)}><${Icon} name="close" /><//>
  </div>`);
}
