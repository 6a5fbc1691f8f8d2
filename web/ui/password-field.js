import { t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { Field } from './field.js';

/**
 * A field for a new password, with a checkbox that shows it.
 *
 * @param {import('./field.js').FieldProps} props
 */
export function PasswordField(props) {
  const isShown = useSignal(false);
  return html`<div class="password">
    <${Field} ...${props} type=${isShown.value ? 'text' : 'password'} autocomplete="new-password" />
    <label class="check">
      <input type="checkbox" checked=${isShown.value} onChange=${() => (isShown.value = !isShown.value)} />
      <span>${t('form.password.show')}</span>
    </label>
  </div>`;
}
