import { isPlanned, reload } from '../lib/build.js';
import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { sound } from '../lib/sound.js';
import { Button } from '../ui/button.js';

/** Notices that stay until staff act. */
export function Notices() {
  if (!isPlanned.value || sound.value !== 'on') return null;
  return html`<div class="undo-bar">
    <p>${t('staff.update')}</p>
    <${Button} onPress=${() => reload(true)}>${t('staff.update.load')}<//>
  </div>`;
}
