// What the staff page does to make staff notice: sounds, notices and warnings.
import { expect, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { card, openTable, signIn } from './support/staff-page.js';
import { alarms, recordTones, rung, turnOnSound } from './support/tones.js';

/** Ends the login of the page at the server. */
const endLogin = (page) =>
  page.evaluate(async () => {
    const { token } = JSON.parse(sessionStorage.getItem('tableorder.staff.account'));
    await fetch('/api/v1/admin/auth/logout', { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
  });

test.describe('the staff page', () => {
  test('plays an alarm when its login has ended, until somebody touches it', async ({ page, server, complaints }) => {
    complaints.expect(/401/);
    await page.clock.install();
    await recordTones(page);
    await signIn(page, server.base);
    await turnOnSound(page);
    await endLogin(page);
    await page.evaluate(() => dispatchEvent(new Event('online')));
    const again = page.getByRole('dialog', { name: '다시 로그인해 주세요' });
    await expect(again).toBeVisible();
    await expect(page).toHaveTitle(/^⚠ 다시 로그인해 주세요 · /);
    expect(await alarms(page)).toBe(1);
    for (const count of [2, 3]) {
      await page.clock.fastForward(30_000);
      expect(await alarms(page)).toBe(count);
    }
    await again.getByLabel('비밀번호').click();
    await page.clock.fastForward(60_000);
    expect(await alarms(page)).toBe(3);
    await expect(page).toHaveTitle(/^⚠/);
    await again.getByLabel('비밀번호').fill('admin1234');
    await again.getByRole('button', { name: '로그인', exact: true }).click();
    await expect(again).toHaveCount(0);
    await expect(page.locator('.badge.live')).toBeVisible();
    await expect(page).not.toHaveTitle(/⚠/);
  });

  test('plays an alarm when its connection is lost for half a minute', async ({ page, server, complaints }) => {
    complaints.expect(/ERR_|Failed to load resource/);
    await page.clock.install();
    await recordTones(page);
    await signIn(page, server.base);
    await turnOnSound(page);
    await page.context().setOffline(true);
    await expect(page.locator('.badge.offline')).toBeVisible();
    await page.clock.fastForward(20_000);
    expect(await alarms(page)).toBe(0);
    await page.clock.fastForward(11_000);
    expect(await alarms(page)).toBe(1);
    await expect(page).toHaveTitle(/^⚠ 오프라인 · /);
    await page.clock.fastForward(30_000);
    expect(await alarms(page)).toBe(2);
    await page.context().setOffline(false);
    await expect(page.locator('.badge.live')).toBeVisible();
    await expect(page).not.toHaveTitle(/⚠/);
    await page.clock.fastForward(60_000);
    expect(await alarms(page)).toBe(2);
  });
});
