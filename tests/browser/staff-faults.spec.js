// The staff page with late or lost responses, and with changes by other users.
import { expect, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { startProxy } from './support/proxy.js';
import { settled } from './support/settled.js';
import { fillLogin } from './support/sign-in.js';
import { card, openTable, signIn } from './support/staff-page.js';
import { pausedTaps } from './support/taps.js';

/** Holds the requests to an address until `release` or `fail` is called. */
const hold = async (page, address, method = 'GET') => {
  const held = [];
  let isHeld = true;
  await page.route(address, (route) => {
    if (isHeld && route.request().method() === method) held.push(route);
    else return route.fallback();
  });
  const end = (act) => async () => {
    isHeld = false;
    for (const route of held) await act(route).catch(() => {});
  };
  return {
    isAsked: () => expect.poll(() => held.length).toBeGreaterThan(0),
    release: end((route) => route.continue()),
    fail: end((route) => route.abort()),
  };
};

/** Holds the next response with the tables until `answer` is called, which exists after the server has responded. */
const holdTables = async (page) => {
  const held = {};
  await page.route('**/api/v1/admin/tables/dashboard', async (route) => {
    if (held.answer) return route.fallback();
    const response = await route.fetch();
    held.answer = () => route.fulfill({ response });
  });
  return held;
};

test.describe('the staff page', () => {
  test('starts again after a sign-out while the tables are loading', async ({ page, server, table }) => {
    await signIn(page, server.base);
    const tables = await holdTables(page);
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await expect.poll(() => tables.answer).toBeTruthy();
    await page.getByRole('button', { name: '로그아웃' }).click();
    const late = page.waitForResponse(/tables\/dashboard/);
    await tables.answer();
    await (await late).finished();
    await fillLogin(page);
    await expect(page.locator('.badge.live')).toBeVisible();
    await (await Guest.login(server.base, table)).order();
    await expect(card(page, table)).toContainText('새 주문');
  });

  test('ignores a response with older tables', async ({ page, server, table }) => {
    await (await Guest.login(server.base, table)).order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    const tables = await holdTables(page);
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await expect.poll(() => tables.answer).toBeTruthy();
    await dialog.getByRole('button', { name: '이용 완료' }).click();
    await dialog.getByRole('button', { name: '이용 완료' }).click();
    await expect(card(page, table)).toContainText('비어 있음');
    const late = page.waitForResponse(/tables\/dashboard/);
    await tables.answer();
    await (await late).finished();
    await settled(page);
    expect(await card(page, table).textContent()).toContain('비어 있음');
  });

  test('loads the tables at once when the server is back', async ({ page, server, table, complaints }) => {
    complaints.expect(/ERR_/);
    const proxy = await startProxy(server.base);
    complaints.allow(proxy.base);
    const guest = await Guest.login(server.base, table);
    await page.clock.install();
    await signIn(page, proxy.base);
    await expect(page.locator('.badge.live')).toBeVisible();
    const tables = '**/api/v1/admin/tables/dashboard';
    await page.route(tables, (route) => route.abort());
    const failed = () => page.waitForEvent('requestfailed', (request) => request.url().endsWith('/dashboard'));
    let next = failed();
    await guest.order();
    await next;
    // The pauses grow to 15 seconds.
    for (let n = 0; n < 5; n += 1) {
      next = failed();
      await page.clock.fastForward(16_000);
      await next;
    }
    await page.unroute(tables);
    const connected = page.waitForResponse(/orders\/stream/);
    const isRead = page.waitForRequest((request) => request.url().endsWith('/dashboard'));
    proxy.cut();
    await connected;
    const connectedAt = Date.now();
    await isRead;
    expect(Date.now() - connectedAt).toBeLessThan(2_000);
    await expect(card(page, table)).toContainText('새 주문');
    await expect(card(page, table)).toContainText('대기 1');
    proxy.stop();
  });

  test('loads the orders in the completion dialog again after a failure', async ({ page, server, table, complaints }) => {
    complaints.expect(/ERR_FAILED|Failed to load resource/);
    await (await Guest.login(server.base, table)).order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    await page.route('**/api/v1/admin/orders?*', (route) => route.abort());
    await dialog.getByRole('button', { name: '이용 완료' }).click();
    await expect(dialog).toContainText('서버에 연결할 수 없습니다');
    await page.unroute('**/api/v1/admin/orders?*');
    await expect(dialog.getByRole('button', { name: '이용 완료' })).toBeVisible();
    await expect(dialog).toContainText('아직 끝나지 않은 주문 1건');
  });

  test('shows each past order once', async ({ page, server, table }) => {
    const past = (id, number) => ({
      id, order_number: `20260105-${number}`, status: 'completed', ordered_at: '2026-01-05T03:00:00Z', completed_at: '2026-01-05T04:00:00Z',
      session_id: id, total_amount: 9_000, items: [], items_json: '[]',
    });
    await page.route('**/history?*', (route) => {
      const isFirst = !route.request().url().includes('cursor=');
      return route.fulfill({ json: { orders: [isFirst ? past(2, '0002') : past(1, '0001')], next_cursor: isFirst ? 'next' : null } });
    });
    await signIn(page, server.base);
    const dialog = await openTable(page, table, false);
    await dialog.getByRole('button', { name: '지난 주문' }).click();
    await dialog.getByRole('button', { name: '더 보기' }).evaluate((button) => {
      button.click();
      button.click();
    });
    await expect(dialog).toContainText('0001');
    await expect(dialog.getByText('0001')).toHaveCount(1);
    await expect(dialog.getByText('0002')).toHaveCount(1);
  });

  test('does not mark orders that ended while the page was closed', async ({ page, server, staff, table }) => {
    const other = await staff.newTable();
    const [guest, otherGuest] = [await Guest.login(server.base, table), await Guest.login(server.base, other)];
    await signIn(page, server.base);
    const seen = await guest.order();
    await otherGuest.order();
    await expect(page).toHaveTitle(/^\(2\)/);
    const cancelled = await guest.order();
    await expect(page).toHaveTitle(/^\(3\)/);
    await page.goto('about:blank');
    await staff.call('DELETE', `/admin/orders/${cancelled.id}`);
    const { id } = (await staff.orders(other))[0];
    await staff.complete(other);
    await staff.call('DELETE', `/admin/orders/${id}`);
    await page.goto(`${server.base}/staff`);
    await expect(page).toHaveTitle(/^\(1\)/);
    await expect(card(page, other)).not.toContainText('새 주문');
    await expect(card(page, table)).toContainText('새 주문');
    const dialog = await openTable(page, table);
    await expect(dialog.locator('.order')).toHaveCount(1);
    await expect(dialog).toContainText(seen.order_number.split('-')[1]);
    await expect(page).not.toHaveTitle(/^\(/);
  });

  test('discards a reason if its dialog is closed before the response', async ({ page, server, table }) => {
    await (await Guest.login(server.base, table)).order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    await dialog.getByRole('button', { name: '주문 취소' }).click();
    await dialog.getByLabel('취소 사유').fill('손님 요청');
    const cancellation = await hold(page, '**/api/v1/admin/orders/*', 'DELETE');
    await dialog.getByRole('button', { name: '주문 취소하기' }).click();
    await cancellation.isAsked();
    await page.keyboard.press('Escape');
    await expect(page.locator('dialog')).toHaveCount(0);
    await cancellation.release();
    await page.getByRole('button', { name: '되돌리기' }).click();
    await expect(page.locator('.toast')).toBeVisible();
    await openTable(page, table);
    await expect(dialog.getByRole('button', { name: '주문 취소' })).toBeVisible();
  });

  test('shows that a cancellation has failed after its dialog was closed', async ({ page, server, table, complaints }) => {
    complaints.expect(/ERR_FAILED|Failed to load resource/);
    await (await Guest.login(server.base, table)).order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    await dialog.getByRole('button', { name: '주문 취소' }).click();
    const cancellation = await hold(page, '**/api/v1/admin/orders/*', 'DELETE');
    await dialog.getByRole('button', { name: '주문 취소하기' }).click();
    await cancellation.isAsked();
    await page.keyboard.press('Escape');
    await expect(page.locator('dialog')).toHaveCount(0);
    await cancellation.fail();
    await expect(page.locator('.toast')).toContainText('서버에 연결할 수 없습니다');
  });

  test('offers an undo again if there was no response', async ({ page, server, staff, table, complaints }) => {
    complaints.expect(/ERR_FAILED|Failed to load resource/);
    await (await Guest.login(server.base, table)).order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    await dialog.getByRole('button', { name: '이용 완료' }).click();
    await dialog.getByRole('button', { name: '이용 완료' }).click();
    const undo = page.getByRole('button', { name: '되돌리기' });
    await page.route('**/reopen', (route) => route.abort());
    await undo.click();
    await expect(page.locator('.toast')).toContainText('서버에 연결할 수 없습니다');
    await page.unroute('**/reopen');
    await undo.click();
    await expect(card(page, table)).toContainText('대기 1');
    expect((await staff.orders(table)).length).toBe(1);
  });

  test('does not offer to complete the orders of a new party as old ones', async ({ page, server, table }) => {
    await signIn(page, server.base);
    const dialog = await openTable(page, table, false);
    const tables = await hold(page, '**/api/v1/admin/tables/dashboard');
    await (await Guest.login(server.base, table)).order();
    await tables.isAsked();
    await expect(dialog.locator('.order')).toHaveCount(1);
    await expect(dialog.getByRole('button', { name: '모두 완료' })).toBeDisabled();
    await tables.release();
    await expect(dialog.getByRole('button', { name: '이용 완료' })).toBeVisible();
    await expect(dialog.getByRole('button', { name: '모두 완료' })).toBeDisabled();
  });

  test('offers an undo for a completion without a response, also after another error', async ({ page, server, table, complaints }) => {
    complaints.expect(/ERR_FAILED|503|Failed to load resource/);
    await (await Guest.login(server.base, table)).order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    await dialog.getByRole('button', { name: '이용 완료' }).click();
    const complete = page.getByRole('dialog').last().getByRole('button', { name: '이용 완료' });
    await expect(complete).toBeEnabled();
    const tables = await hold(page, '**/api/v1/admin/tables/dashboard');
    let attempts = 0;
    await page.route('**/complete', async (route) => {
      attempts += 1;
      if (attempts > 1) return route.fulfill({ status: 503, json: { error: { code: 'SERVICE_UNAVAILABLE', message: '' } } });
      await route.fetch();
      return route.abort();
    });
    await complete.click();
    await expect(page.getByRole('dialog').last().getByRole('alert')).toBeVisible();
    await complete.click();
    await expect.poll(() => attempts).toBe(2);
    await expect(complete).toBeEnabled();
    await tables.release();
    await expect(page.locator('.undo-bar').getByRole('button', { name: '되돌리기' })).toBeVisible();
  });

  test('announces orders to screen readers while a dialog is open', async ({ page, server, staff, table }) => {
    await (await Guest.login(server.base, table)).order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    const announced = dialog.locator('.dialog-frame > [role=status]');
    await expect(announced).toHaveText('');
    const other = await staff.newTable();
    await (await Guest.login(server.base, other)).order();
    await expect(announced).toContainText(`${other.number}번 테이블`);
  });

  test('does not reload by itself while a reason is half-typed', async ({ page, server, table }) => {
    await (await Guest.login(server.base, table)).order();
    await page.clock.install();
    const isAsked = page.waitForRequest((request) => request.method() === 'HEAD');
    await page.route('**/staff', async (route) => {
      if (route.request().method() !== 'HEAD') return route.fallback();
      return route.fulfill({ status: 200, headers: { 'x-build': 'another' } });
    });
    await signIn(page, server.base);
    await isAsked;
    const dialog = await openTable(page, table);
    await dialog.getByRole('button', { name: '주문 취소' }).click();
    await dialog.getByLabel('취소 사유').fill('손님이 마음을');
    await expect(dialog).toContainText('7 / 500자');
    await page.clock.fastForward(61_000);
    await page.clock.fastForward(61_000);
    await settled(page);
    await expect(dialog.getByLabel('취소 사유')).toHaveValue('손님이 마음을');
    await dialog.getByRole('button', { name: '돌아가기' }).click();
    const loaded = page.waitForEvent('domcontentloaded');
    await page.clock.fastForward(61_000);
    await page.clock.fastForward(61_000);
    await loaded;
  });

  test('works in a browser that blocks its storage', async ({ page, server, table }) => {
    await page.addInitScript(() => {
      for (const storage of ['localStorage', 'sessionStorage']) {
        Object.defineProperty(window, storage, {
          get: () => {
            throw new DOMException('blocked', 'SecurityError');
          },
        });
      }
    });
    await signIn(page, server.base);
    await (await Guest.login(server.base, table)).order();
    await expect(card(page, table)).toContainText('대기 1');
    await page.getByRole('button', { name: '로그아웃' }).click();
    await expect(page.getByLabel('비밀번호')).toBeVisible();
  });

  test('a double tap does not turn the sound on and off again', async ({ page, server }) => {
    await signIn(page, server.base);
    const turnOn = page.getByRole('button', { name: '소리 켜기' });
    await expect(turnOn).toBeEnabled();
    const tap = await pausedTaps(page, turnOn);
    await tap();
    await expect(page.getByRole('button', { name: '소리 확인' })).toBeVisible();
    await page.clock.runFor(300);
    await tap();
    await page.clock.runFor(600);
    await expect(page.getByRole('button', { name: '소리 확인' })).toBeVisible();
  });
});
