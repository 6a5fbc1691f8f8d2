import { t } from '../lib/i18n.js';
import { html, useRef } from '../lib/preact.js';
import { Icon } from './icon.js';

const GUARD = 500;

/**
 * Buttons that decrease and increase a number. At 1, the decrease button removes the item if `onRemove` is set.
 *
 * @param {object} props
 * @param {string} props.name of the counted item
 * @param {number} props.value
 * @param {number} [props.max]
 * @param {(value: number) => void} props.onChange
 * @param {() => void} [props.onRemove]
 */
export function Stepper({ name, value, max = 999, onChange, onRemove }) {
  const pressedAt = useRef(0);
  const isLast = value <= 1;
  const less = () => {
    const isQuick = performance.now() - pressedAt.current < GUARD;
    pressedAt.current = performance.now();
    if (!isLast) onChange(value - 1);
    // The second of two quick taps was meant to decrease the number.
    else if (!isQuick) onRemove?.();
  };
  const removes = isLast && onRemove;
  return html`<div class="stepper" role="group" aria-label=${`${name}, ${t('item.quantity')}`}>
    <button type="button" class="button icon-only" aria-label=${t(removes ? 'quantity.remove' : 'quantity.less', { name })}
      aria-disabled=${isLast && !onRemove ? 'true' : undefined} onClick=${less}>
      <${Icon} name=${removes ? 'trash' : 'minus'} />
    </button>
    <output class="stepper-value" aria-live="polite">${value}</output>
    <button type="button" class="button icon-only" aria-label=${t('quantity.more', { name })}
      aria-disabled=${value >= max ? 'true' : undefined} onClick=${() => value < max && onChange(value + 1)}>
      <${Icon} name="plus" />
    </button>
  </div>`;
}
