// Pages that are open during an update of the server.
import { expect, Tablet, test } from './support/fixtures.js';
import { settled } from './support/settled.js';
import { signIn } from './support/sign-in.js';

test('a page of an old build reloads when it is idle', async ({ page, server, table, complaints }) => {
  await page.clock.install();
  const tablet = new Tablet(page, server.base, table, complaints);
  const asked = page.waitForRequest((request) => request.method() === 'HEAD');
  await page.route('**/order', async (route) => {
    if (route.request().method() !== 'HEAD') return route.fallback();
    return route.fulfill({ status: 200, headers: { 'x-build': 'another' } });
  });
  await tablet.pair();
  await asked;
  await tablet.add('콜라');
  let loads = 0;
  page.on('domcontentloaded', () => {
    loads += 1;
  });
  await page.clock.runFor(50_000);
  expect(loads).toBe(0);
  const loaded = page.waitForEvent('domcontentloaded');
  await page.clock.runFor(15_000);
  await loaded;
  await tablet.isReady();
  await expect(tablet.line('콜라')).toBeVisible();
});

for (const [what, statuses, isReloaded] of [
  ['it has just reloaded', [200], true],
  ['the server returns an error', [503], false],
  ['the server fails before the reload', [200, 503], false],
]) {
  test(`an old page checks again later if ${what}`, async ({ page, server, table, complaints }) => {
    complaints.expect(/Failed to load resource/);
    await page.clock.install();
    if (isReloaded) await page.addInitScript(() => sessionStorage.setItem('tableorder.reloaded_at', String(Date.now())));
    let asked = 0;
    await page.route('**/order', async (route) => {
      if (route.request().method() !== 'HEAD') return route.fallback();
      asked += 1;
      return route.fulfill({ status: statuses[asked - 1] ?? 200, headers: { 'x-build': 'another' } });
    });
    const tablet = new Tablet(page, server.base, table, complaints);
    await tablet.pair();
    await expect.poll(() => asked).toBe(1);
    // Prevent the check that the page makes when its stream connects.
    await page.route('**/orders/stream', (route) => route.abort());
    await page.clock.runFor(61_000);
    await expect.poll(() => asked).toBe(statuses.length);
    await settled(page);
    const loaded = page.waitForEvent('domcontentloaded');
    await page.clock.fastForward(600_000);
    await loaded;
  });
}

test('a stream that reconnects often causes one check of the build at a time', async ({ page, server, complaints }) => {
  complaints.expect(/ERR_FAILED/);
  await signIn(page, `${server.base}/staff`);
  let checks = 0;
  let release;
  const isReleased = new Promise((resolve) => {
    release = resolve;
  });
  await page.route('**/staff', async (route) => {
    if (route.request().method() !== 'HEAD') return route.fallback();
    checks += 1;
    await isReleased;
    await route.continue();
  });
  for (let n = 0; n < 8; n += 1) {
    const connected = page.waitForResponse('**/admin/orders/stream');
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await connected;
    await expect(page.locator('.badge.live')).toBeVisible();
  }
  expect(checks).toBe(1);
  release();
});
