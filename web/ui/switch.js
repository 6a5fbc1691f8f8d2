import { html } from '../lib/preact.js';
import { contentChanged } from './second-tap.js';

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
  const press = () => {
    if (isBusy) return;
    // The request may be answered before the second tap of a double tap, which would switch back.
    contentChanged();
    onPress();
  };
  return html`<button type="button" role="switch" class="switch" aria-checked=${isOn ? 'true' : 'false'} aria-label=${label}
    aria-busy=${isBusy ? 'true' : undefined} onClick=${press}>
    <span class="switch-track" aria-hidden="true"><span class="switch-thumb"></span></span>
    <span class="switch-text">${text}</span>
  </button>`;
}
