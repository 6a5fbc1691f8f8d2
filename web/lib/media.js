// Properties of the screen.
import { signal } from './preact.js';

const wide = matchMedia('(min-width: 62rem)');

/** Whether there is room for the cart beside the menu. */
export const isWide = signal(wide.matches);

wide.addEventListener('change', () => {
  isWide.value = wide.matches;
});

/** @returns {ScrollBehavior} */
export function scrollBehavior() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';
}
