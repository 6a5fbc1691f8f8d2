import { useLayoutEffect } from '../lib/preact.js';

/**
 * Keeps the focus in an element when the component that renders it replaces the focused button.
 *
 * @param {{ current: HTMLElement | null }} container
 */
export function useKeptFocus({ current }) {
  const focused = document.activeElement;
  const isInside = focused !== null && current !== null && current.contains(focused);
  // After a tap, a focused field would open the keyboard of a tablet.
  const first = isInside && focused.matches(':focus-visible') ? 'input, button' : 'button';
  useLayoutEffect(() => {
    if (!isInside || focused.isConnected) return;
    const next = (focused.matches('.primary') && current.querySelector('.primary')) || current.querySelector(first);
    if (next instanceof HTMLElement) next.focus({ preventScroll: true });
  });
}
