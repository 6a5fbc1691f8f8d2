// Staff rely on the sound of new orders. While the page receives none, it plays an alarm instead, until someone touches
// the page.
import { alarm } from '../../lib/sound.js';
import { computed, effect, signal } from '../../lib/preact.js';
import { account, hasEnded } from './account.js';
import { stream, tables } from './board.js';

/** A shorter interruption needs nobody: the stream reconnects and receives every order. */
const LOST_AFTER = 30_000;
const REPEAT_EVERY = 30_000;
const INPUTS = ['pointerdown', 'keydown'];

const isWaiting = computed(() => account.value !== null && (tables.value === null || stream.state.value !== 'live'));
const isLost = signal(false);

effect(() => {
  isLost.value = false;
  if (!isWaiting.value) return undefined;
  const timer = setTimeout(() => {
    isLost.value = true;
  }, LOST_AFTER);
  return () => clearTimeout(timer);
});

/** Why the page receives no orders. @type {import('../../vendor/signals.mjs').Signal<'login' | 'connection' | null>} */
export const interruption = computed(() => {
  if (hasEnded.value) return 'login';
  return isLost.value ? 'connection' : null;
});

const isInterrupted = computed(() => interruption.value !== null);

effect(() => {
  if (!isInterrupted.value) return undefined;
  alarm();
  const timer = setInterval(alarm, REPEAT_EVERY);
  const stop = () => {
    clearInterval(timer);
    for (const input of INPUTS) removeEventListener(input, stop, { capture: true });
  };
  for (const input of INPUTS) addEventListener(input, stop, { capture: true });
  return stop;
});
