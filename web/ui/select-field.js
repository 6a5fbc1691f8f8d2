import { html, useId } from '../lib/preact.js';
import { OtherValue } from './other-value.js';

/**
 * A labelled select.
 *
 * @param {object} props
 * @param {string} props.label
 * @param {string} props.value
 * @param {ReadonlyArray<{ value: string, text: string }>} props.options
 * @param {(value: string) => void} props.onInput
 * @param {string} [props.hint]
 * @param {string} [props.error]
 * @param {string} [props.name]
 * @param {boolean} [props.isReadOnly]
 * @param {{ value: string, onTake: () => void }} [props.other] what another user has saved since the form was opened
 */
export function SelectField({ label, value, options, onInput, hint, error, name, isReadOnly, other }) {
  const id = useId();
  /** @param {Event} event */
  const input = (event) => onInput(/** @type {HTMLSelectElement} */ (event.target).value);
  const described = [hint && `${id}-hint`, error && `${id}-error`, other && `${id}-other`].filter(Boolean).join(' ');
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <select id=${id} name=${name} value=${value} disabled=${isReadOnly} aria-invalid=${error ? 'true' : undefined}
      aria-describedby=${described || undefined} onChange=${input}>
      ${options.map((option) => html`<option key=${option.value} value=${option.value}>${option.text}</option>`)}
    </select>
    ${hint && html`<p class="field-hint muted" id=${`${id}-hint`}>${hint}</p>`}
    ${error && html`<p class="field-error" id=${`${id}-error`}>${error}</p>`}
    ${other && html`<${OtherValue} id=${`${id}-other`} label=${label} onTake=${other.onTake}
      text=${options.find((option) => option.value === other.value)?.text ?? other.value} />`}
  </div>`;
}
