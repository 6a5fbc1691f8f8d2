import { html, useId } from '../lib/preact.js';
import { OtherValue } from './other-value.js';

/**
 * @typedef {object} FieldProps
 * @property {string} label
 * @property {string} value
 * @property {(value: string) => void} onInput
 * @property {string} [error]
 * @property {string} [hint]
 * @property {string} [type]
 * @property {'numeric' | 'text' | 'url'} [inputMode]
 * @property {string} [name]
 * @property {string} [autocomplete]
 * @property {number} [rows] of a text with several lines
 * @property {boolean} [autofocus] whether it has the focus when its dialog opens
 * @property {boolean} [isReadOnly]
 * @property {{ value: string, onTake: () => void }} [other] what another user has saved since the form was opened
 */

/**
 * A labelled input, with its error beside it.
 *
 * @param {FieldProps} props
 */
export function Field({ label, value, onInput, error, hint, type = 'text', inputMode, name, autocomplete = 'off', rows, autofocus, isReadOnly, other }) {
  const id = useId();
  /** @param {Event} event */
  const input = (event) => onInput(/** @type {HTMLInputElement} */ (event.target).value);
  const described = [hint && `${id}-hint`, error && `${id}-error`, other && `${id}-other`].filter(Boolean).join(' ');
  const shared = {
    id,
    name,
    value,
    autocomplete,
    autocapitalize: 'none',
    spellcheck: false,
    readOnly: isReadOnly,
    'aria-invalid': error ? 'true' : undefined,
    'aria-describedby': described || undefined,
    'data-autofocus': autofocus ? '' : undefined,
    onInput: input,
  };
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${rows ? html`<textarea ...${shared} rows=${rows}></textarea>` : html`<input ...${shared} type=${type} inputmode=${inputMode} />`}
    ${hint && html`<p class="field-hint muted" id=${`${id}-hint`}>${hint}</p>`}
    ${error && html`<p class="field-error" id=${`${id}-error`}>${error}</p>`}
    ${other && html`<${OtherValue} id=${`${id}-other`} label=${label} text=${other.value} onTake=${other.onTake} />`}
  </div>`;
}
