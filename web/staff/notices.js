import { isPlanned, reload } from '../lib/build.js';
import { t } from '../lib/i18n.js';
import { html, signal } from '../lib/preact.js';
import { sound } from '../lib/sound.js';
import { read, write } from '../lib/store.js';
import { maySleep } from '../lib/wake.js';
import { Button } from '../ui/button.js';
import { Outdated } from './outdated.js';

const HINT = 'staff.screen_hint';

/** Whether this tablet's staff know that its screen may turn off. */
const isHintClosed = signal(read(HINT) === 'closed');

function closeHint() {
  write(HINT, 'closed');
  isHintClosed.value = true;
}

/** Notices that stay until staff act, or until their reason is gone. */
export function Notices() {
  const hasUpdate = isPlanned.value && sound.value === 'on';
  const hasHint = maySleep.value && sound.value !== 'off' && !isHintClosed.value;
  return html`<${Outdated} />
    ${hasUpdate && notice('staff.update', 'staff.update.load', () => reload(true))}
    ${hasHint && notice('staff.screen', 'staff.screen.close', closeHint)}`;
}

/**
 * @param {string} text
 * @param {string} action
 * @param {() => void} onPress
 */
function notice(text, action, onPress) {
  return html`<div class="undo-bar" key=${text}>
    <p>${t(text)}</p>
    <${Button} onPress=${onPress}>${t(action)}<//>
  </div>`;
}
