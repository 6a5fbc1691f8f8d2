import { LANGUAGES, language, t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { sound, turnOff, turnOn } from '../lib/sound.js';
import { Button } from '../ui/button.js';
import { ConnectionBadge } from '../ui/connection-badge.js';
import { account, chooseLanguage, signOut } from './state/account.js';
import { stop, stream } from './state/board.js';

export function Header() {
  const leave = () => {
    stop();
    signOut();
  };
  return html`<header class="staff-header">
    <h1>${account.value?.store_name}</h1>
    <${ConnectionBadge} stream=${stream} />
    <div class="sound" role="group" aria-label=${t('staff.sound')}>
      ${sound.value === 'on'
        ? html`<${Button} kind="plain" onPress=${turnOn}>${t('staff.sound.test')}<//>
            <${Button} kind="plain" onPress=${turnOff}>${t('staff.sound.turn_off')}<//>`
        : html`<p class="tag danger">${t('staff.sound.off')}</p><${Button} onPress=${turnOn}>${t('staff.sound.turn_on')}<//>`}
    </div>
    <label class="language">
      <span class="visually-hidden">${t('language')}</span>
      <select value=${language.value} onChange=${(/** @type {any} */ event) => chooseLanguage(event.target.value)}>
        ${LANGUAGES.map(({ code, name }) => html`<option key=${code} value=${code} lang=${code}>${name}</option>`)}
      </select>
    </label>
    <${Button} kind="plain" onPress=${leave}>${t('staff.sign_out')}<//>
  </header>`;
}
