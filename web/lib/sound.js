// Short sounds for new orders, and for a page that receives none. Browsers play no sound before the first input.
import { signal } from './preact.js';
import { read, write } from './store.js';

const NAME = 'staff.sound';

/** @type {AudioContext | null} */
let audio = null;

/** @type {'on' | 'waiting' | 'off'} */
const initial = read(NAME) === 'on' ? 'waiting' : 'off';

/** `waiting`: switched on, but the browser plays nothing before the next input on the page. */
export const sound = signal(/** @type {'on' | 'waiting' | 'off'} */ (initial));

/** The frequencies of the tones. */
const RING = [659, 880];
const ALARM = [523, 392, 523, 392];

/** Between the starts of two tones, in seconds. */
const STEP = 0.18;

/** From the start of the last tone to the next ring, in seconds. Orders that arrive together ring one after the other. */
const REST = 0.62;

/** How far ahead rings are planned, in seconds. Further ones are left out. */
const AT_MOST_AHEAD = 10;

/** When the last ring ends, by the clock of the output. */
let endsAt = 0;

/** The audio output. The browser may stop it at any time, for example while a tablet sleeps. */
function output() {
  if (audio) return audio;
  const created = new AudioContext();
  created.addEventListener('statechange', () => {
    if (sound.value !== 'off') sound.value = created.state === 'running' ? 'on' : 'waiting';
  });
  audio = created;
  return created;
}

/** Starts the output if the browser permits it now. */
function tryOutput() {
  if (sound.value === 'waiting') output().resume().catch(() => {});
}

// Some browsers permit sound without an input, such as that of a kiosk.
tryOutput();
// A touch permits sound only when it ends.
for (const input of ['pointerup', 'keydown']) addEventListener(input, tryOutput, { capture: true });

/** Switches the sound on and plays it once. Call it in an input event. */
export async function turnOn() {
  await output().resume();
  sound.value = 'on';
  write(NAME, 'on');
  ring();
}

export function turnOff() {
  sound.value = 'off';
  write(NAME, 'off');
}

/** Plays two rising tones. */
export function ring() {
  play(RING);
}

/** Plays two falling tones, twice. */
export function alarm() {
  play(ALARM);
}

/** @param {number[]} frequencies */
function play(frequencies) {
  if (sound.peek() !== 'on' || !audio) return;
  const start = Math.max(audio.currentTime, endsAt);
  if (start - audio.currentTime > AT_MOST_AHEAD) return;
  endsAt = start + (frequencies.length - 1) * STEP + REST;
  frequencies.forEach((frequency, index) => {
    const context = /** @type {AudioContext} */ (audio);
    const begin = start + index * STEP;
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
