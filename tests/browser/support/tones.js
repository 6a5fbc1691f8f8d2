// The sounds that a page plays.

/** The frequency of the first tone of each sound. */
const FIRST = { ring: 659, alarm: 523 };

/** Records the tones. Call it before the page is opened. */
export const recordTones = (page) =>
  page.addInitScript(() => {
    window.tones = [];
    const { start } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (when) {
      window.tones.push(this.frequency.value);
      start.call(this, when);
    };
  });

const count = (page, frequency) => page.evaluate((wanted) => window.tones.filter((tone) => tone === wanted).length, frequency);

/** How often the page has rung for an order or a test of the sound. */
export const rung = (page) => count(page, FIRST.ring);

/** How often the page has played the alarm. An alarm has two tones of this frequency. */
export const alarms = async (page) => (await count(page, FIRST.alarm)) / 2;

/** Turns the sound on. It rings once. */
export const turnOnSound = async (page) => {
  await page.getByRole('button', { name: '소리 켜기' }).click();
  await page.getByRole('button', { name: '소리 확인' }).waitFor();
};
