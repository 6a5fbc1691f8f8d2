import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { sound, turnOff, turnOn } from '../lib/sound.js';
import { open } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { ConnectionBadge } from '../ui/connection-badge.js';
import { Icon } from '../ui/icon.js';
import { LanguageSelect } from '../ui/language-select.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { account, login } from './state/account.js';
import { leave, stream } from './state/board.js';

export function Header() {
  return html`<div class="page-header">
    <h1>${account.value?.store_name}</h1>
    <${ConnectionBadge} stream=${stream} />
    <${LanguageSelect} login=${login} />
    <div class="header-actions">
      <div class="sound" role="group" aria-label=${t('staff.sound')}>
        ${sound.value === 'on'
          ? html`<${Button} key="test" kind="plain" onPress=${turnOn}>${t('staff.sound.test')}<//>
              <${Button} key="off" kind="plain" guard=${SECOND_TAP} onPress=${turnOff}>${t('staff.sound.turn_off')}<//>`
          : html`<p class="tag danger">${t('staff.sound.off')}</p><${Button} key="on" guard=${SECOND_TAP} onPress=${turnOn}>${t('staff.sound.turn_on')}<//>`}
      </div>
      <${Button} onPress=${() => open('menu')}>${t('staff.menu')}<//>
      <${Button} kind="plain" class="sign-out" label=${t('staff.sign_out')} onPress=${leave}>
        <${Icon} name="leave" /><span>${t('staff.sign_out')}</span>
      <//>
    </div>
  </div>`;
}
