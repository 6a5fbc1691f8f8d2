// Sounds, notices and warnings of the staff page.
import { expect, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { settled } from './support/settled.js';
import { card, openTable, signIn } from './support/staff-page.js';
import { startStreams } from './support/streams.js';
import { alarms, recordTones, rung, turnOnSound } from './support/tones.js';

const DASHBOARD = '**/api/v1/admin/tables/dashboard';

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

  test('completes a table only with a total that was read after its dialog opened', async ({ page, server, table, complaints }) => {
    complaints.expect(/ERR_FAILED/);
    const guest = await Guest.login(server.base, table);
    await guest.order('콜라');
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    await page.route(DASHBOARD, (route) => route.abort());
    const failed = page.waitForEvent('requestfailed');
    await guest.order('식혜');
    await failed;
    await dialog.getByRole('button', { name: '이용 완료' }).click();
    const complete = page.getByRole('dialog', { name: `${table.number}번 테이블 이용 완료` });
    await expect(complete).toContainText('서버에 연결할 수 없습니다');
    await expect(complete).not.toContainText('2,000원');
    await expect(complete.getByRole('button', { name: '이용 완료' })).toHaveCount(0);
    await page.unroute(DASHBOARD);
    await expect(complete.locator('.total')).toContainText('5,500원');
    await expect(complete.getByRole('button', { name: '이용 완료' })).toBeVisible();
  });

  test('shows that the total has changed during a completion, until that is closed', async ({ page, server, table }) => {
    const guest = await Guest.login(server.base, table);
    await guest.order('콜라');
    await page.clock.install();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    await page.route('**/complete', async (route) => {
      await guest.order('식혜');
      await route.continue();
    });
    await dialog.getByRole('button', { name: '이용 완료' }).click();
    await expect(dialog.locator('.total')).toContainText('2,000원');
    const complete = dialog.getByRole('button', { name: '이용 완료' });
    await expect(complete).toBeEnabled();
    await complete.click();
    await expect(dialog).toHaveCount(0);
    const offer = page.locator('.undo-bar', { hasText: '합계가 2,000원에서 5,500원으로 바뀌었습니다.' });
    await page.clock.fastForward(60_000);
    await expect(offer.getByRole('button', { name: '되돌리기' })).toBeVisible();
    await offer.getByRole('button', { name: '닫기' }).click();
    await expect(offer).toHaveCount(0);
  });

  test('says in the dialogs of a table that the connection is lost', async ({ page, server, table, complaints }) => {
    complaints.expect(/ERR_|Failed to load resource/);
    await page.setViewportSize({ width: 390, height: 844 });
    await (await Guest.login(server.base, table)).order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    const alert = dialog.locator('.outdated');
    const place = await dialog.getByRole('button', { name: '이용 완료' }).boundingBox();
    await page.context().setOffline(true);
    await expect(alert).toBeVisible();
    expect(await dialog.getByRole('button', { name: '이용 완료' }).boundingBox()).toEqual(place);
    await page.context().setOffline(false);
    await expect(alert).toHaveCount(0);
    await dialog.getByRole('button', { name: '이용 완료' }).click();
    await expect(dialog.locator('.total')).toContainText('2,000원');
    await page.context().setOffline(true);
    await expect(alert).toBeVisible();
    await page.context().setOffline(false);
    await expect(alert).toHaveCount(0);
  });

  test('says in the dialog of a table that its orders cannot be read', async ({ page, server, table, complaints }) => {
    complaints.expect(/ERR_FAILED/);
    const guest = await Guest.login(server.base, table);
    await guest.order();
    await page.clock.install();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    const orders = '**/api/v1/admin/orders?*';
    await page.route(orders, (route) => route.abort());
    await guest.order('식혜');
    const alert = dialog.locator('.outdated');
    await expect(alert).toBeVisible();
    await page.unroute(orders);
    await alert.getByRole('button', { name: '다시 시도' }).click();
    await expect(dialog.getByRole('button', { name: '새 주문 1건 보기' })).toBeVisible();
    await expect(alert).toHaveCount(0);
  });

  test('does not reload by itself to a new build while its sound is on', async ({ page, server }) => {
    await page.clock.install();
    await page.route('**/staff', async (route) => {
      if (route.request().method() !== 'HEAD') return route.fallback();
      return route.fulfill({ status: 200, headers: { 'x-build': 'another' } });
    });
    let loads = 0;
    page.on('domcontentloaded', () => {
      loads += 1;
    });
    const isAsked = page.waitForRequest((request) => request.method() === 'HEAD');
    await signIn(page, server.base);
    await isAsked;
    await turnOnSound(page);
    const reload = page.getByRole('button', { name: '새로고침' });
    await expect(reload).toBeVisible();
    for (let n = 0; n < 4; n += 1) await page.clock.fastForward(61_000);
    await settled(page);
    expect(loads).toBe(1);
    const loaded = page.waitForEvent('domcontentloaded');
    await reload.click();
    await loaded;
    await expect(page.locator('.badge.live')).toBeVisible();
  });

  test('keeps the screen on while it is visible', async ({ page, server }) => {
    await page.addInitScript(() => {
      window.locks = 0;
      WakeLock.prototype.request = async () => {
        window.locks += 1;
        window.lock = new EventTarget();
        return window.lock;
      };
    });
    await signIn(page, server.base);
    expect(await page.evaluate(() => window.locks)).toBe(1);
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    expect(await page.evaluate(() => window.locks)).toBe(2);
    await turnOnSound(page);
    await settled(page);
    await expect(page.getByText('화면 자동 꺼짐')).toHaveCount(0);
    // The browser may release it by itself, for example when the battery is low.
    await page.evaluate(() => window.lock.dispatchEvent(new Event('release')));
    await expect(page.getByText('화면 자동 꺼짐')).toBeVisible();
  });

  test('says once that it cannot keep the screen on', async ({ page, server }) => {
    await page.addInitScript(() => delete Navigator.prototype.wakeLock);
    await signIn(page, server.base);
    const hint = page.getByText('태블릿 설정에서 화면 자동 꺼짐을 꺼 주세요');
    await expect(hint).toHaveCount(0);
    await turnOnSound(page);
    await expect(hint).toBeVisible();
    await page.getByRole('button', { name: '확인', exact: true }).click();
    await expect(hint).toHaveCount(0);
    await page.reload();
    await expect(page.locator('.badge.live')).toBeVisible();
    await expect(hint).toHaveCount(0);
  });

  test('rings for no order of an earlier hour when its stream resumes', async ({ page, server, staff, table, complaints }) => {
    complaints.expect(/ERR_/);
    const [streams, other] = [await startStreams(server.base), await staff.newTable()];
    complaints.allow(streams.base);
    await recordTones(page);
    await signIn(page, streams.base);
    await turnOnSound(page);
    const { created_at } = await (await Guest.login(server.base, table)).order();
    await (await Guest.login(server.base, other)).order();
    const event = (of, minutes) => {
      const at = new Date(Date.parse(created_at) - minutes * 60_000).toISOString();
      return ['new_order', { order_id: of.id, table_id: of.id, table_number: of.number, created_at: at }];
    };
    await streams.send([event(table, 40)]);
    await expect(card(page, table)).toContainText('새 주문');
    expect(await rung(page)).toBe(1);
    await streams.send([event(other, 20)]);
    await expect(card(page, other)).toContainText('새 주문');
    expect(await rung(page)).toBe(2);
    streams.stop();
  });

  test('shows the day of a party and an order of an earlier day', async ({ page, server, table }) => {
    const guest = await Guest.login(server.base, table);
    const { id } = await guest.order();
    await guest.order();
    const earlier = (moment) => new Date(Date.parse(moment) - 26 * 3_600_000).toISOString();
    let isOld = false;
    await page.route(DASHBOARD, async (route) => {
      const response = await route.fetch();
      const { tables, ...rest } = await response.json();
      const started = (one) => ({ ...one, started_at: isOld ? earlier(one.started_at) : one.started_at });
      await route.fulfill({ response, json: { ...rest, tables: tables.map((one) => (one.id === table.id ? started(one) : one)) } });
    });
    await page.route('**/api/v1/admin/orders?*', async (route) => {
      const response = await route.fetch();
      const { orders, ...rest } = await response.json();
      const dated = orders.map((order) => (order.id === id ? { ...order, created_at: earlier(order.created_at) } : order));
      await route.fulfill({ response, json: { ...rest, orders: dated } });
    });
    await signIn(page, server.base);
    const start = card(page, table).locator('.table-head time');
    await expect(start).toHaveText(/^오[전후] \d+:\d\d$/);
    isOld = true;
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await expect(start).toHaveText(/^\d+월 \d+일$/);
    const dialog = await openTable(page, table);
    await expect(dialog.locator('.order time')).toHaveText([/^오[전후] \d+:\d\d$/, /^\d+월 \d+일 오[전후] \d+:\d\d$/]);
  });

  test('shows the whole tags of a card', async ({ page, server, staff, table }) => {
    await (await Guest.login(server.base, table)).order();
    await staff.complete(table);
    await (await Guest.login(server.base, table)).order('콜라', 1, '얼음 빼 주세요');
    await signIn(page, server.base);
    const tags = page.locator(`#table-${table.id} .table-tags .tag`);
    for (const [language, lang] of [['한국어', 'ko'], ['English', 'en'], ['日本語', 'ja'], ['中文', 'zh']]) {
      await page.getByRole('combobox').selectOption({ label: language });
      await expect(page.locator('html')).toHaveAttribute('lang', lang);
      await expect(tags).toHaveCount(2);
      const cut = await tags.evaluateAll((all) =>
        all
          .filter((tag) => tag.scrollWidth > tag.clientWidth || tag.getBoundingClientRect().right > tag.closest('.table').getBoundingClientRect().right)
          .map((tag) => tag.textContent),
      );
      expect(cut).toEqual([]);
    }
  });

  test('offers no undo after a sign-out', async ({ page, server, table }) => {
    await (await Guest.login(server.base, table)).order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    await dialog.getByRole('button', { name: '이용 완료' }).click();
    const complete = page.getByRole('dialog', { name: `${table.number}번 테이블 이용 완료` }).getByRole('button', { name: '이용 완료' });
    await expect(complete).toBeEnabled();
    await complete.click();
    const undo = page.getByRole('button', { name: '되돌리기' });
    await expect(undo).toBeVisible();
    await page.getByRole('button', { name: '로그아웃' }).click();
    await expect(page.getByLabel('비밀번호')).toBeVisible();
    await expect(undo).toHaveCount(0, { timeout: 2_000 });
  });

  test('moves no table when the connection is lost and comes back', async ({ page, server, table, complaints }) => {
    complaints.expect(/ERR_|Failed to load resource/);
    await signIn(page, server.base);
    await expect(card(page, table)).toBeVisible();
    const first = page.locator('.table').first();
    const place = await first.boundingBox();
    await page.context().setOffline(true);
    await expect(page.locator('.outdated')).toBeVisible();
    expect(await first.boundingBox()).toEqual(place);
    await page.context().setOffline(false);
    await expect(page.locator('.outdated')).toHaveCount(0);
    expect(await first.boundingBox()).toEqual(place);
  });
});
