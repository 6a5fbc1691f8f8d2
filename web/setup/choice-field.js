import { html, useId } from '../lib/preact.js';

/**
 * A labelled choice of one of many values.
 *
 * @param {object} props
 * @param {string} props.label
 * @param {string} props.name
 * @param {string} props.value
 * @param {string[]} props.values
 * @param {string} [props.hint]
 * @param {string} [props.error]
 * @param {(value: string) => void} props.onInput
 */
export function ChoiceField({ label, name, value, values, hint, error, onInput }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  /** @param {Event} event */
  const change = (event) => onInput(/** @type {HTMLSelectElement} */ (event.target).value);
  const all = values.includes(value) ? values : [value, ...values];
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <select id=${id} name=${name} value=${value} aria-invalid=${error ? 'true' : undefined} aria-describedby=${described || undefined} onChange=${change}>
      ${all.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}
    </select>
    ${hint && html`<p class="muted" id=${`${id}-hint`}>${hint}</p>`}
    ${error && html`<p class="field-error" id=${`${id}-error`}>${error}</p>`}
  </div>`;
}
