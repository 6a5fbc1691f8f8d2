import { html, useEffect, useSignal } from '../lib/preact.js';

/**
 * A button that ignores taps while `isBusy`, and for `guard` milliseconds after it appeared or was pressed.
 *
 * @param {object} props
 * @param {() => void} props.onPress
 * @param {any} props.children
 * @param {'primary' | 'quiet' | 'plain' | 'danger'} [props.kind]
 * @param {boolean} [props.isBusy]
 * @param {boolean} [props.isDisabled]
 * @param {number} [props.guard]
 * @param {string} [props.label] if the content is not text
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
    // Read the signal, because a second tap may come before the next rendering.
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
