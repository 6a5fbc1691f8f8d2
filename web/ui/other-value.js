import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from './button.js';

/**
 * The value that another user has saved since the form was opened, with a button that takes it over.
 *
 * @param {{ id: string, label: string, text: string, onTake: () => void }} props
 */
export function OtherValue({ id, label, text, onTake }) {
  return html`<div class="field-other">
    <p id=${id}>${t('office.conflict.other', { value: text || t('office.conflict.empty') })}</p>
    <${Button} label=${t('office.conflict.take_of', { name: label })} onPress=${onTake}>${t('office.conflict.take')}<//>
  </div>`;
}
