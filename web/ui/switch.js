import { html } from '../lib/preact.js';

/**
 * A switch with its state as text.
 *
 * @param {object} props
 * @param {boolean} props.isOn
 * @param {boolean} [props.isBusy]
 * @param {() => void} props.onPress
 * @param {string} props.label
 * @param {string} props.text the state as text
 */
export function Switch({ isOn, isBusy, onPress, label, text }) {
  return html`<button type="button" role="switch" class="switch" aria-checked=${isOn ? 'true' : 'false'} aria-label=${label}
    aria-busy=${isBusy ? 'true' : undefined} onClick=${() => isBusy || onPress()}>
    <span class="switch-track" aria-hidden="true"><span class="switch-thumb"></span></span>
    <span class="switch-text">${text}</span>
  </button>`;
}
