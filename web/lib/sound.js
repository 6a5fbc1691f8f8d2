// A short sound for a new order. Browsers play no sound before the first input on the page.
import { signal } from './preact.js';
import { read, write } from './store.js';

const NAME = 'staff.sound';

/** @type {AudioContext | null} */
let audio = null;

/** @type {'on' | 'waiting' | 'off'} */
const initial = read(NAME) === 'on' ? 'waiting' : 'off';

/** `waiting`: switched on before a reload, and waiting for the first input on the page. */
export const sound = signal(/** @type {'on' | 'waiting' | 'off'} */ (initial));

/** Switches the sound on and plays it once. Call it in an input event. */
export async function turnOn() {
  audio ??= new AudioContext();
  await audio.resume();
  sound.value = 'on';
  write(NAME, 'on');
  ring();
}

export function turnOff() {
  sound.value = 'off';
  write(NAME, 'off');
}

addEventListener(
  'pointerdown',
  async () => {
    if (sound.value !== 'waiting') return;
    audio ??= new AudioContext();
    await audio.resume();
    if (sound.value === 'waiting') sound.value = 'on';
  },
  { capture: true },
);

/** Plays two rising tones. */
export function ring() {
  if (sound.value !== 'on' || !audio) return;
  [659, 880].forEach((frequency, index) => {
    const context = /** @type {AudioContext} */ (audio);
    const begin = context.currentTime + index * 0.18;
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.001, begin);
    volume.gain.exponentialRampToValueAtTime(0.5, begin + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.5);
    tone.connect(volume).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + 0.55);
  });
}
