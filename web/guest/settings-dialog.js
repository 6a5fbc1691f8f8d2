import { LANGUAGES, language, t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { open } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { chooseLanguage, isLarge, setLarge } from './state/party.js';

/** The language and text size of the current guests. @param {{ onClose: () => void }} props */
export function SettingsDialog({ onClose }) {
  return html`<${Dialog} class="settings" title=${t('settings.title')} onClose=${onClose}>
    <div class="choices" role="group" aria-label=${t('language')}>
      ${LANGUAGES.map(({ code, name }) => html`<${Choice} key=${code} lang=${code} isChosen=${language.value === code} onPress=${() => chooseLanguage(code)}>${name}<//>`)}
    </div>
    <h3 id="text-size">${t('settings.text')}</h3>
    <div class="choices" role="group" aria-labelledby="text-size">
      <${Choice} isChosen=${!isLarge.value} onPress=${() => setLarge(false)}>${t('settings.normal')}<//>
      <${Choice} isChosen=${isLarge.value} onPress=${() => setLarge(true)}><span class="larger">${t('settings.large')}</span><//>
    </div>
    <${Button} kind="plain" class="staff-link" onPress=${() => open('pair')}>${t('settings.pair')}<//>
  <//>`;
}

/** @param {{ isChosen: boolean, onPress: () => void, children: any, lang?: string }} props */
function Choice({ isChosen, onPress, children, lang }) {
  return html`<button type="button" class="button choice" lang=${lang} aria-pressed=${isChosen ? 'true' : 'false'} onClick=${onPress}>${children}</button>`;
}
