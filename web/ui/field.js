import { html, useId } from '../lib/preact.js';

/**
 * A labelled input, with its error beside it.
 *
 * @param {object} props
 * @param {string} props.label
 * @param {string} props.value
 * @param {(value: string) => void} props.onInput
 * @param {string} [props.error]
 * @param {string} [props.type]
 * @param {'numeric' | 'text'} [props.inputMode]
 * @param {string} [props.name]
 */
export function Field({ label, value, onInput, error, type = 'text', inputMode, name }) {
  const id = useId();
  /** @param {Event} event */
  const input = (event) => onInput(/** @type {HTMLInputElement} */ (event.target).value);
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input id=${id} name=${name} type=${type} inputmode=${inputMode} value=${value} autocomplete="off" autocapitalize="none"
      spellcheck=${false} aria-invalid=${error ? 'true' : undefined} aria-describedby=${error ? `${id}-error` : undefined} onInput=${input} />
    ${error && html`<p class="field-error" id=${`${id}-error`}>${error}</p>`}
  </div>`;
}
