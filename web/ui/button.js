import { html, useEffect, useSignal } from '../lib/preact.js';

/**
 * A button. The first tap acts; while `isBusy`, or within `guard` milliseconds after it appeared or acted, a tap does
 * nothing.
 *
 * @param {object} props
 * @param {() => void} props.onPress
 * @param {any} props.children
 * @param {'primary' | 'quiet' | 'plain' | 'danger'} [props.kind]
 * @param {boolean} [props.isBusy]
 * @param {boolean} [props.isDisabled]
 * @param {number} [props.guard]
 * @param {string} [props.label] where the content is no text
 * @param {string} [props.class]
 * @param {boolean} [props.autofocus]
 */
export function Button({ onPress, children, kind = 'quiet', isBusy, isDisabled, guard = 0, label, class: extra = '', autofocus }) {
  const isGuarded = useSignal(guard > 0);
  useEffect(() => {
    if (!isGuarded.value) return undefined;
    const timer = setTimeout(() => {
      isGuarded.value = false;
    }, guard);
    return () => clearTimeout(timer);
  }, [isGuarded.value]);
  const isBlocked = isBusy || isDisabled || isGuarded.value;
  const press = () => {
    // The signal, as a second tap comes before the next drawing.
    if (isBusy || isDisabled || isGuarded.peek()) return;
    isGuarded.value = guard > 0;
    onPress();
  };
  return html`<button
    type="button"
    class=${`button ${kind} ${extra}`}
    aria-label=${label}
    aria-busy=${isBusy ? 'true' : undefined}
    aria-disabled=${isBlocked ? 'true' : undefined}
    data-guarded=${isGuarded.value ? '' : undefined}
    data-autofocus=${autofocus ? '' : undefined}
    onClick=${press}
  >${children}</button>`;
}
