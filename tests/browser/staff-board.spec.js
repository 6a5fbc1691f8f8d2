// The tables on the staff page.
import { checkPage } from './support/axe.js';
import { expect, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { startProxy } from './support/proxy.js';
import { signIn as signInAt } from './support/sign-in.js';
import { card, middle, openTable, signIn } from './support/staff-page.js';
import { recordTones, rung, turnOnSound } from './support/tones.js';

test.describe('the staff page', () => {
  test('shows an order within two seconds, marked until the table is opened', async ({ page, server, table }) => {
    const guest = await Guest.login(server.base, table);
    await page.clock.install();
    await recordTones(page);
    await signIn(page, server.base);
    await turnOnSound(page);
    const before = await rung(page);
    const started = Date.now();
    await guest.order('김치찌개', 2);
    await expect(card(page, table)).toContainText('새 주문', { timeout: 2_000 });
    expect(Date.now() - started).toBeLessThan(2_000);
    await page.clock.runFor(200);
    await expect(card(page, table)).toContainText('18,000원');
    await expect(card(page, table)).toContainText('김치찌개 2');
    await expect(page).toHaveTitle(/^\(1\)/);
    expect(await rung(page)).toBe(before + 1);
    await page.clock.runFor(60_000);
    await expect(card(page, table)).toContainText('새 주문');
    await page.reload();
    await expect(card(page, table)).toContainText('새 주문');
    expect(await rung(page)).toBe(0);
    await page.getByRole('button', { name: `${table.number}번 테이블`, exact: true }).click();
    await expect(page.getByRole('dialog')).toContainText('김치찌개');
    await expect(card(page, table)).not.toContainText('새 주문');
    await expect(page).not.toHaveTitle(/^\(/);
  });

  test('keeps its state when the login ends', async ({ page, server, table, complaints }) => {
    complaints.expect(/401/);
    const guest = await Guest.login(server.base, table);
    await guest.order();
    await signIn(page, server.base);
    await page.getByRole('button', { name: `${table.number}번 테이블`, exact: true }).click();
    const dialog = page.getByRole('dialog', { name: `${table.number}번 테이블` });
    await dialog.getByRole('button', { name: '주문 취소' }).click();
    await dialog.getByLabel('취소 사유').fill('손님 요청');
    await page.evaluate(async () => {
      const { token } = JSON.parse(sessionStorage.getItem('tableorder.staff.account'));
      await fetch('/api/v1/admin/auth/logout', { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
    });
    const again = page.getByRole('dialog', { name: '다시 로그인해 주세요' });
    await expect(again).toBeVisible({ timeout: 20_000 });
    await page.mouse.click(5, 5);
    await page.keyboard.press('Escape');
    await again.getByLabel('비밀번호').fill('admin1234');
    await again.getByRole('button', { name: '로그인', exact: true }).click();
    await expect(again).toHaveCount(0);
    await expect(dialog.getByLabel('취소 사유')).toHaveValue('손님 요청');
    await expect(page.locator('.badge.live')).toBeVisible();
  });

  test('marks orders that arrive while it is closed or signed out', async ({ page, server, table }) => {
    const guest = await Guest.login(server.base, table);
    await signIn(page, server.base);
    await page.goto('about:blank');
    await guest.order();
    await page.goto(`${server.base}/staff`);
    await expect(card(page, table)).toContainText('새 주문');
    await page.getByRole('button', { name: '로그아웃' }).click();
    await expect(page.getByRole('heading', { name: '직원 로그인' })).toBeVisible();
    await expect(page).not.toHaveTitle(/^\(/);
    await guest.order('김치찌개');
    await signIn(page, server.base);
    await expect(page).toHaveTitle(/^\(2\)/);
    await openTable(page, table);
    await expect(page).not.toHaveTitle(/^\(/);
    await page.reload();
    await expect(card(page, table)).toContainText('김치찌개');
    await expect(page.locator('.badge.live')).toBeVisible();
    await expect(page).not.toHaveTitle(/^\(/);
  });

  test('says that its tables may be old although the stream is connected', async ({ page, server, table, complaints }) => {
    complaints.expect(/503/);
    const guest = await Guest.login(server.base, table);
    await guest.order();
    await page.clock.install();
    await signIn(page, server.base);
    await expect(card(page, table)).toContainText('2,000원');
    const dashboard = '**/api/v1/admin/tables/dashboard';
    await page.route(dashboard, (route) => route.fulfill({ status: 503, json: {} }));
    await guest.order();
    const alert = page.getByRole('alert').filter({ hasText: '최신 상태를 불러오지 못하고 있습니다' });
    await expect(page.getByRole('status').filter({ hasText: `${table.number}번 테이블` }).first()).toBeAttached();
    await expect(async () => {
      await page.clock.fastForward(6_000);
      await expect(alert).toBeVisible({ timeout: 500 });
    }).toPass();
    await expect(page.locator('.badge.live')).toBeVisible();
    await page.unroute(dashboard);
    await alert.getByRole('button', { name: '다시 시도' }).click();
    await expect(card(page, table)).toContainText('4,000원');
    await expect(alert).toHaveCount(0);
  });

  test('shows a lost connection, then every order once', async ({ page, server, table, complaints }) => {
    complaints.expect(/ERR_|Failed to load resource/);
    const proxy = await startProxy(server.base);
    complaints.allow(proxy.base);
    const guest = await Guest.login(server.base, table);
    await page.clock.install();
    await recordTones(page);
    await signIn(page, proxy.base);
    await turnOnSound(page);
    const before = await rung(page);
    proxy.freeze();
    for (let n = 0; n < 3; n += 1) await guest.order('콜라');
    await page.clock.runFor(50_000);
    await expect(page.locator('.badge.reconnecting, .badge.offline')).toBeVisible({ timeout: 1_000 });
    proxy.thaw();
    // `runFor` would also end the time that a request may take.
    await page.clock.fastForward(60_000);
    await expect(page.locator('.badge.live')).toBeVisible({ timeout: 20_000 });
    await expect(page).toHaveTitle(/^\(3\)/);
    expect(await rung(page)).toBe(before + 3);
    await expect(card(page, table)).toContainText('6,000원');
    proxy.stop();
  });

  test('misses no order between the snapshot and the stream', async ({ page, server, table }) => {
    const guest = await Guest.login(server.base, table);
    let isHeld = true;
    await page.route('**/api/v1/admin/orders/stream', async (route) => {
      if (isHeld) {
        isHeld = false;
        await guest.order('콜라');
      }
      await route.continue();
    });
    await signIn(page, server.base);
    await expect(card(page, table)).toContainText('새 주문');
  });

  test('announces an order at a table that the filter hides', async ({ page, server, staff }) => {
    const quiet = await staff.newTable();
    await signIn(page, server.base);
    await page.getByRole('button', { name: /^대기 주문/ }).click();
    await expect(card(page, quiet)).toHaveCount(0);
    const guest = await Guest.login(server.base, quiet);
    const { id } = await guest.order();
    await expect(card(page, quiet)).toContainText('새 주문');
    for (const status of ['preparing', 'completed']) await staff.call('PATCH', `/admin/orders/${id}/status`, { status });
    await expect(card(page, quiet)).toContainText('완료');
    await page.getByRole('button', { name: /^대기 주문/ }).click();
    await expect(card(page, quiet)).toHaveCount(0);
    await page.getByRole('button', { name: /^새 주문 1건/ }).click();
    await expect(card(page, quiet)).toContainText('새 주문');
  });

  test('keeps the cards at their places while a filter is on', async ({ page, server, staff }) => {
    const [done, later, waiting] = [await staff.newTable(), await staff.newTable(), await staff.newTable()];
    const { id } = await (await Guest.login(server.base, done)).order();
    await (await Guest.login(server.base, waiting)).order();
    await page.clock.install();
    await signIn(page, server.base);
    const filter = page.getByRole('button', { name: /^대기 주문/ });
    await filter.click();
    await expect(card(page, done)).toBeVisible();
    const cards = () => page.locator('.table h2').allTextContents();
    const before = await cards();
    expect(before.at(-2)).toBe(`${done.number}번 테이블`);
    for (const status of ['preparing', 'completed']) await staff.call('PATCH', `/admin/orders/${id}/status`, { status });
    await (await Guest.login(server.base, later)).order();
    await expect(card(page, done)).toContainText('완료');
    await expect(card(page, later)).toBeAttached();
    expect(await cards()).toEqual([...before, `${later.number}번 테이블`]);
    await filter.click();
    await expect(card(page, done)).toHaveCount(0);
    expect((await cards()).slice(-2)).toEqual([`${later.number}번 테이블`, `${waiting.number}번 테이블`]);
  });

  for (const [width, height] of [[1280, 800], [390, 844]]) {
    test(`announces orders below the visible cards: ${width} pixels wide`, async ({ page, server, staff }) => {
      await page.setViewportSize({ width, height });
      for (let n = 0; n < 12; n += 1) await staff.newTable();
      const [far, farther] = [await staff.newTable(), await staff.newTable()];
      const guests = [];
      for (const table of [far, farther]) guests.push(await Guest.login(server.base, table));
      await signIn(page, server.base);
      const top = page.getByRole('button', { name: /^전체/ });
      const places = async () => [await middle(top), ...(await page.locator('.table').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top)))];
      const before = await places();
      for (const guest of guests) for (let n = 0; n < 3; n += 1) await guest.order();
      const hint = page.getByRole('button', { name: '새 주문 6건' });
      await expect(hint).toBeInViewport();
      await expect(hint).toContainText(`${far.number}번 테이블`);
      await expect(card(page, far)).toContainText('6,000원');
      await expect(card(page, far)).not.toBeInViewport();
      expect(await places()).toEqual(before);
      await hint.click();
      await expect(card(page, far)).toBeInViewport({ ratio: 1 });
      await expect(top).toBeInViewport({ ratio: 1 });
      await openTable(page, far);
      await page.keyboard.press('Escape');
      await expect(page.getByRole('button', { name: '새 주문 3건' })).toContainText(`${farther.number}번 테이블`);
    });
  }

  test('shows on the card that an order has a note', async ({ page, server, staff, table }) => {
    const guest = await Guest.login(server.base, table);
    await signIn(page, server.base);
    const { id } = await guest.order('콜라', 1, '얼음 빼 주세요');
    await expect(card(page, table)).toContainText('요청 있음');
    for (const status of ['preparing', 'completed']) await staff.call('PATCH', `/admin/orders/${id}/status`, { status });
    await expect(card(page, table)).not.toContainText('요청 있음');
  });

  test('shows past orders with totals by party, and errors in the dates', async ({ page, server, staff, table }) => {
    for (const names of [['콜라', '식혜'], ['콜라']]) {
      const guest = await Guest.login(server.base, table);
      for (const name of names) await guest.order(name);
      await staff.complete(table);
    }
    await signIn(page, server.base);
    await openTable(page, table);
    await page.getByRole('dialog').getByRole('button', { name: '지난 주문' }).click();
    const dialog = page.getByRole('dialog', { name: `${table.number}번 테이블 지난 주문` });
    await expect(dialog.locator('.party > .day-head .money')).toHaveText(['2,000원', '5,500원']);
    await expect(dialog.locator('.day > .day-head')).toContainText('주문 3건 · 7,500원');
    await dialog.getByLabel('시작일').fill('2026-11-20');
    await dialog.getByLabel('종료일').fill('2026-11-10');
    await expect(dialog).toContainText('종료일이 시작일보다 빠릅니다');
    await expect(dialog).not.toContainText('지난 주문이 없습니다');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog', { name: `${table.number}번 테이블`, exact: true })).toBeVisible();
  });

  for (const [language, width, lines] of [['한국어', 390, 2], ['English', 390, 2], ['English', 800, 1], ['日本語', 390, 2], ['中文', 390, 2]]) {
    test(`has a header of ${lines} lines: ${language}, ${width} pixels wide`, async ({ page, server }) => {
      await page.setViewportSize({ width, height: 844 });
      await signIn(page, server.base);
      await page.getByRole('combobox').selectOption({ label: language });
      await expect(page.getByRole('button', { name: '로그아웃' })).toHaveCount(language === '한국어' ? 1 : 0);
      for (const sound of ['off', 'on']) {
        if (sound === 'on') await page.locator('.sound .button').click();
        await expect(page.locator('.sound .button')).toHaveCount(sound === 'on' ? 2 : 1);
        const { height } = await page.locator('.page-header').boundingBox();
        expect(height).toBeLessThan(lines * 48 + (lines + 1) * 12 + 2);
      }
    });
  }

  test('lets staff mark an item as sold out, and resets a refused switch', async ({ page, server, staff, complaints }) => {
    complaints.expect(/Failed to load resource/);
    const item = await staff.newItem('감자전', 12_000);
    await staff.call('POST', '/admin/users', { username: 'hall', password: 'hall1234', role: 'staff' });
    await signInAt(page, `${server.base}/staff`, { store: 'demo-store', username: 'hall', password: 'hall1234' });
    await page.getByRole('button', { name: '품절 관리' }).click();
    const sold = page.getByRole('dialog').getByRole('switch', { name: '감자전 판매' });
    await sold.click();
    await expect(sold).toHaveText('품절');
    await expect.poll(async () => (await staff.call('GET', `/admin/menus/${item.id}`)).is_available).toBe(false);
    await staff.changeItem(item, { is_available: true });
    await expect(sold).toHaveText('판매 중');
    const place = await middle(sold);
    await page.route(`**/api/v1/admin/menus/${item.id}`, (route) => route.abort());
    await page.mouse.click(...place);
    await expect(page.getByRole('alert')).toContainText('감자전: 바꾸지 못해');
    await expect(sold).toHaveText('판매 중');
    expect(await middle(sold)).toEqual(place);
    await staff.call('DELETE', `/admin/menus/${item.id}`);
    await expect(sold).toHaveCount(0);
    await expect(page.getByRole('dialog').getByText('감자전', { exact: true })).toBeVisible();
  });

  test('shows changed tables within a minute, and keeps their places', async ({ page, server, staff }) => {
    const [renumbered, deleted, open] = [await staff.newTable(), await staff.newTable(), await staff.newTable()];
    await page.clock.install();
    await signIn(page, server.base);
    const numbers = () => page.locator('.tables > li').allTextContents();
    const before = (await numbers()).length;
    await openTable(page, open, false);
    const place = await card(page, open).boundingBox();
    const added = await staff.newTable();
    await staff.call('PATCH', `/admin/tables/${renumbered.id}`, { table_number: (staff.lastTable += 1) });
    await staff.call('DELETE', `/admin/tables/${deleted.id}`);
    // `runFor` would also end the time that a request may take.
    await page.clock.fastForward(30_000);
    await page.mouse.move(10, 300);
    await page.clock.fastForward(31_000);
    await expect(card(page, added)).toBeAttached();
    await expect(page.getByRole('dialog', { name: `${open.number}번 테이블` })).toBeVisible();
    await page.keyboard.press('Escape');
    const after = await numbers();
    expect(after).toHaveLength(before + 1);
    expect(after.at(-4)).toContain(`${staff.lastTable}번 테이블`);
    expect(after.at(-3)).toContain('삭제된 테이블');
    expect(after.at(-1)).toContain(`${added.number}번 테이블`);
    expect(await card(page, open).boundingBox()).toEqual(place);
    // After a minute without input, the tables are in order again.
    await page.clock.fastForward(61_000);
    await expect(page.getByText('삭제된 테이블')).toHaveCount(0);
    await expect(page.locator('.tables > li').last()).toContainText(`${staff.lastTable}번 테이블`);
  });

  test('loads the tables again when the page becomes visible', async ({ page, server, staff }) => {
    await page.clock.install();
    await signIn(page, server.base);
    const added = await staff.newTable();
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.clock.runFor(200);
    await expect(card(page, added)).toBeAttached();
  });

  for (const [scheme, width, height] of [['light', 1280, 800], ['dark', 390, 844], ['light', 640, 400]]) {
    test(`has no axe-core violation and no small target: ${scheme}, ${width} pixels wide`, async ({ page, server, table }) => {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      const guest = await Guest.login(server.base, table);
      await guest.order('김치찌개', 2);
      const check = (what) => checkPage(page, what);
      await page.goto(`${server.base}/staff`);
      await expect(page.getByRole('button', { name: '로그인', exact: true })).toBeVisible();
      await check('sign-in');
      await signIn(page, server.base);
      await guest.order('콜라');
      await expect(card(page, table)).toContainText('새 주문');
      await check('tables');
      await page.getByRole('button', { name: `${table.number}번 테이블`, exact: true }).click();
      await expect(page.locator('.order').first()).toBeVisible();
      await page.getByRole('dialog').getByRole('button', { name: '주문 취소' }).first().click();
      await check('table');
      await page.getByRole('dialog').getByRole('button', { name: '이용 완료' }).click();
      await expect(page.getByText('아직 끝나지 않은 주문 2건')).toBeVisible();
      await check('completion');
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').getByRole('button', { name: '지난 주문' }).click();
      await expect(page.getByText('지난 주문이 없습니다')).toBeVisible();
      await check('history');
      await page.keyboard.press('Escape');
      await expect(page.locator('.order').first()).toBeVisible();
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: '품절 관리' }).click();
      await expect(page.getByRole('switch').first()).toBeVisible();
      await check('sold-out switches');
    });
  }

  test('has no axe-core violation in rare states', async ({ page, server, staff, table, complaints }) => {
    complaints.expect(/401|ERR_FAILED/);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const guest = await Guest.login(server.base, table);
    for (let n = 0; n < 6; n += 1) await guest.order('김치찌개', 2, '덜 맵게 해 주세요');
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    const { scrollHeight, clientHeight } = await dialog.locator('.dialog-body').evaluate((body) => ({ scrollHeight: body.scrollHeight, clientHeight: body.clientHeight }));
    expect(scrollHeight).toBeGreaterThan(clientHeight);
    await checkPage(page, 'list of many orders');
    await page.route('**/status', (route) => route.abort());
    await dialog.getByRole('button', { name: '준비 시작' }).first().click();
    await expect(dialog.getByRole('alert')).toBeVisible();
    await checkPage(page, 'failure');
    await page.unroute('**/status');
    await staff.call('DELETE', `/admin/orders/${(await staff.orders(table))[0].id}`);
    await expect(dialog.getByText('다른 직원이 취소한 주문입니다')).toBeVisible();
    await dialog.getByRole('button', { name: '주문 취소' }).last().click();
    await dialog.getByRole('button', { name: '주문 취소하기' }).click();
    await expect(dialog.getByRole('button', { name: '되돌리기' })).toBeVisible();
    await checkPage(page, 'cancelled orders');
    await page.keyboard.press('Escape');
    await expect(page.locator('.undo-bar')).toBeVisible();
    await checkPage(page, 'offer to undo');
    await page.evaluate(async () => {
      const { token } = JSON.parse(sessionStorage.getItem('tableorder.staff.account'));
      await fetch('/api/v1/admin/auth/logout', { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
      dispatchEvent(new Event('online'));
    });
    await expect(page.getByRole('dialog', { name: '다시 로그인해 주세요' })).toBeVisible();
    await checkPage(page, 'login dialog');
  });
});
