import { expect, Tablet, test } from './support/fixtures.js';
import { startProxy } from './support/proxy.js';
import { settled } from './support/settled.js';
import { pausedTaps } from './support/taps.js';

/** Makes orders arrive after their `not_after`. */
const expireOrders = (page) =>
  page.route('**/api/v1/customer/orders', (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    const body = { ...route.request().postDataJSON(), not_after: new Date(Date.now() - 60_000).toISOString() };
    return route.fallback({ postData: JSON.stringify(body) });
  });

test('a tablet is paired once and does not store the password', async ({ page, server, staff, complaints }) => {
  const table = await staff.newTable('unguessed-7391');
  const tablet = new Tablet(page, server.base, table, complaints);
  await tablet.pair();
  await tablet.add('김치찌개');
  await page.reload();
  await tablet.isReady();
  await expect(tablet.line('김치찌개')).toBeVisible();
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  expect(stored).toContain('token');
  expect(stored).not.toContain(table.password);
  expect(stored).not.toContain('password');
});

test('a wrong password shows a message on the same page', async ({ page, server, table, complaints }) => {
  complaints.expect(/401/);
  await page.goto(`${server.base}/order?store=demo-store&table=${table.number}`);
  await page.getByRole('button', { name: '연결하기' }).click();
  await expect(page.getByText('입력해 주세요')).toBeVisible();
  await page.getByLabel('테이블 비밀번호').fill('wrong');
  await page.getByRole('button', { name: '연결하기' }).click();
  await expect(page.getByRole('alert')).toContainText('비밀번호가 올바르지 않습니다');
  await expect(page.getByLabel('테이블 비밀번호')).toHaveValue('');
});

test('an order is confirmed, placed and followed until its completion', async ({ tablet, page, staff, table }) => {
  await tablet.add('김치찌개', 2);
  await tablet.add('콜라');
  await tablet.cart.getByLabel('요청 사항').fill('덜 맵게 해 주세요');
  const button = await tablet.review();
  await expect(page.getByRole('dialog')).toContainText('김치찌개');
  await expect(page.getByRole('dialog')).toContainText('덜 맵게 해 주세요');
  await expect(button).toHaveText('20,000원 주문하기');
  await button.click();
  await tablet.isPlaced();
  const [order, ...others] = await staff.orders(table);
  expect(others).toEqual([]);
  expect(order).toMatchObject({ total_amount: 20000, note: '덜 맵게 해 주세요', status: 'pending' });
  await expect(tablet.cart).toContainText('아직 담은 메뉴가 없습니다');

  await page.getByRole('button', { name: '주문 내역 보기' }).click();
  const card = page.locator('.order');
  await expect(card).toContainText('접수됨');
  await expect(page.locator('.dialog-foot')).toContainText('20,000원');
  await staff.call('PATCH', `/admin/orders/${order.id}/status`, { status: 'preparing' });
  await expect(card).toContainText('준비 중');
  await staff.call('DELETE', `/admin/orders/${order.id}?reason=mistake`);
  await expect(card).toContainText('취소됨');
  await expect(page.locator('.dialog-foot')).toContainText('0원');
});

test('a cancelled or restored order stays listed and shows a notice', async ({ tablet, page, staff, table }) => {
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  const [{ id, order_number }] = await staff.orders(table);
  const number = order_number.split('-')[1];
  const notice = page.locator('.notice');
  const list = page.getByRole('button', { name: '주문 내역 1' });

  await staff.call('DELETE', `/admin/orders/${id}?reason=mistake`);
  await expect(notice).toContainText(`${number}번 주문이 취소되었습니다`);
  await expect(page.locator('.toasts > p[role=status]')).toHaveText(`주문 ${number}: 취소됨`);
  await expect(list).toBeVisible();
  await page.reload();
  await tablet.isReady();
  await expect(notice).toContainText(`${number}번 주문이 취소되었습니다`);
  await notice.getByRole('button', { name: '보기' }).click();
  await expect(page.locator('.order')).toContainText('취소됨');
  await tablet.close();
  await expect(notice).toHaveCount(0);

  await staff.call('POST', `/admin/orders/${id}/restore`);
  await expect(notice).toContainText(`${number}번 주문이 다시 접수되었습니다`);
  await list.click();
  await expect(page.locator('.order')).toContainText('접수됨');
  await tablet.close();
  await expect(notice).toHaveCount(0);
});

test('an order cancelled while the page is closed is shown as cancelled', async ({ tablet, page, context, staff, table, server }) => {
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await expect(page.getByRole('button', { name: '주문 내역 보기' })).toBeVisible();
  const [{ id }] = await staff.orders(table);
  await page.waitForFunction(() => localStorage.getItem('tableorder.guest.orders')?.includes('콜라'));
  await page.close();
  await staff.call('DELETE', `/admin/orders/${id}?reason=mistake`);
  const next = await context.newPage();
  await next.goto(`${server.base}/order`);
  await next.getByRole('button', { name: '보기', exact: true }).click();
  await expect(next.locator('.order')).toContainText('취소됨');
  await staff.complete(table);
  await expect(next.getByRole('heading', { name: '이용해 주셔서 감사합니다' })).toBeVisible();
  expect(await next.evaluate(() => localStorage.getItem('tableorder.guest.orders'))).toBe(null);
});

test('orders that are loaded while the session ends are discarded', async ({ tablet, page, staff, table }) => {
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  let answer;
  await page.route('**/api/v1/customer/orders', async (route) => {
    const response = await route.fetch();
    answer = () => route.fulfill({ response });
  });
  const [{ id }] = await staff.orders(table);
  await staff.call('PATCH', `/admin/orders/${id}/status`, { status: 'preparing' });
  await expect.poll(() => answer).toBeTruthy();
  await page.route('**/api/v1/customer/auth/session', (route) => route.abort());
  tablet.complaints.expect(/Failed to load resource/);
  await staff.complete(table);
  await expect(page.getByRole('heading', { name: '이용해 주셔서 감사합니다' })).toBeVisible();
  // The list that was not read yet could change the total.
  await expect(page.locator('.thanks-total')).toHaveCount(0);
  const answered = page.waitForResponse('**/api/v1/customer/orders');
  await answer();
  await (await answered).finished();
  await page.evaluate(() => {});
  expect(await page.evaluate(() => localStorage.getItem('tableorder.guest.orders'))).toBe(null);
});

test('an order is stored before it is sent', async ({ page, server, table, complaints }) => {
  await page.addInitScript(() => {
    window.sent = [];
    const { fetch } = window;
    window.fetch = (address, options) => {
      if (options?.method === 'POST' && address.endsWith('/customer/orders')) {
        const { body, headers } = options;
        const key = new Headers(headers).get('idempotency-key');
        const stored = JSON.parse(localStorage.getItem('tableorder.guest.queue'));
        window.sent.push({ body, key, stored: stored.map((order) => [order.key, order.body]) });
      }
      return fetch(address, options);
    };
  });
  const tablet = new Tablet(page, server.base, table, complaints);
  await tablet.pair();
  await tablet.add('된장찌개', 2);
  await tablet.order();
  await tablet.isPlaced();
  const [{ body, key, stored }] = await page.evaluate(() => window.sent);
  expect(JSON.parse(body)).toMatchObject({ items: [{ quantity: 2 }] });
  expect(stored).toEqual([[key, body]]);
});

test('two taps place one order if the first response is lost', async ({ tablet, page, staff, table }) => {
  tablet.complaints.expect(/ERR_FAILED|Failed to load resource/);
  const keys = [];
  await page.route('**/api/v1/customer/orders', async (route) => {
    const request = route.request();
    if (request.method() !== 'POST') return route.fallback();
    keys.push(request.headers()['idempotency-key']);
    if (keys.length > 1) return route.fallback();
    // The server places the order, and its response is lost.
    await route.fetch();
    return route.abort();
  });
  await tablet.add('된장찌개');
  const button = await tablet.review();
  await button.evaluate((element) => {
    element.click();
    setTimeout(() => element.click(), 40);
  });
  await tablet.isPlaced();
  expect(keys.length).toBeGreaterThan(1);
  expect(new Set(keys).size).toBe(1);
  expect(await staff.orders(table)).toHaveLength(1);
});

test('a double tap on the order button leaves the confirmation open', async ({ tablet, page, staff, table }) => {
  await tablet.add('된장찌개');
  const button = await tablet.review();
  const tap = await pausedTaps(page, button);
  await tap();
  await tablet.isPlaced();
  await page.clock.runFor(400);
  await tap();
  const names = ['메뉴로 돌아가기', '주문 내역 보기'];
  for (const name of names) await page.getByRole('button', { name }).evaluate((element) => element.click());
  await tablet.isPlaced();
  await page.clock.runFor(200);
  await page.getByRole('button', { name: names[0] }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(await staff.orders(table)).toHaveLength(1);
});

for (const [what, name, title] of [
  ['주문하기', '주문하기', '이대로 주문할까요?'],
  ['a menu item', '콜라', '콜라'],
]) {
  test(`a double tap on ${what} does not close the dialog that it opens`, async ({ tablet, page }) => {
    await tablet.add('콜라');
    const tap = await pausedTaps(page, page.getByRole('button', { name, exact: true }));
    await tap();
    await expect(page.getByRole('dialog')).toBeVisible();
    await page.clock.runFor(400);
    await tap();
    await expect(page.getByRole('dialog').getByRole('heading', { name: title })).toBeVisible();
    // A tap beside the dialog closes it later.
    await page.clock.runFor(200);
    await page.mouse.click(5, 5);
    await expect(page.getByRole('dialog')).toHaveCount(0);
  });
}

test('a double tap that removes a line of the cart does not touch the next line', async ({ tablet, page }) => {
  for (const name of ['콜라', '된장찌개', '식혜']) await tablet.add(name);
  const tap = await pausedTaps(page, tablet.line('콜라').getByRole('button', { name: '콜라 삭제' }));
  await tap();
  await expect(tablet.line('콜라')).toHaveCount(0);
  await page.clock.runFor(200);
  await tap();
  for (const name of ['된장찌개', '식혜']) await expect(tablet.line(name)).toBeVisible();
  await page.clock.runFor(400);
  await tap();
  await expect(tablet.line('된장찌개')).toHaveCount(0);
  await expect(tablet.line('식혜')).toBeVisible();
});

test('the language that is chosen last is shown, however late texts arrive', async ({ tablet, page, complaints }) => {
  complaints.expect(/ERR_FAILED|TypeError/);
  let release;
  const isReleased = new Promise((resolve) => {
    release = resolve;
  });
  await page.route('**/locales/ja.json', async (route) => {
    await isReleased;
    await route.continue();
  });
  await page.route('**/locales/zh.json', (route) => route.abort());
  await page.reload();
  await tablet.isReady();
  const choose = async (name) => {
    await page.getByRole('button', { name: /Language/ }).click();
    await page.getByRole('button', { name }).click();
    await tablet.close();
  };
  await choose('日本語');
  await choose('English');
  await expect(page.getByRole('button', { name: 'My orders' })).toBeVisible();
  const isLoaded = page.waitForResponse('**/locales/ja.json');
  release();
  await (await isLoaded).finished();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await choose('中文');
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await page.unroute('**/locales/zh.json');
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh', { timeout: 30_000 });
});

test('an item that sells out in the cart is marked and one tap removes it', async ({ tablet, page, staff, table }) => {
  const item = await staff.newItem('오늘의 생선', 12_000);
  await expect(page.getByRole('heading', { name: '오늘의 생선' })).toBeVisible();
  await tablet.add('오늘의 생선');
  await tablet.add('콜라', 2);
  await page.getByRole('button', { name: '오늘의 생선', exact: true }).click();
  await expect(page.getByRole('dialog')).toContainText('12,000원 담기');
  const started = Date.now();
  await staff.changeItem(item, { is_available: false });
  await expect(tablet.line('오늘의 생선')).toContainText('품절', { timeout: 2_000 });
  expect(Date.now() - started).toBeLessThan(2_000);
  await expect(page.locator('.card', { hasText: '오늘의 생선' })).toContainText('품절');
  await expect(page.getByRole('dialog')).toContainText('지금은 주문할 수 없습니다');
  await tablet.close();
  await tablet.line('오늘의 생선').getByRole('button', { name: /삭제/ }).click();
  await tablet.order();
  await tablet.isPlaced();
  const [order] = await staff.orders(table);
  expect(order.items.map(({ menu_name, quantity }) => [menu_name, quantity])).toEqual([['콜라', 2]]);
});

test('an item that is sold out when the page opens is listed as sold out', async ({ tablet, page, staff }) => {
  const item = await staff.newItem('계절 나물', 4_000, { is_available: false });
  await expect(page.locator('.card', { hasText: '계절 나물' })).toContainText('품절');
  await page.reload();
  await tablet.isReady();
  await expect(page.locator('.card', { hasText: '계절 나물' })).toContainText('품절');
  await staff.changeItem(item, { is_available: true });
  await tablet.add('계절 나물');
  await expect(tablet.line('계절 나물')).toBeVisible();
});

test('a menu change during the loading of the menu is shown', async ({ tablet, page, staff, table }) => {
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  const [order] = await staff.orders(table);
  let release;
  const isReleased = new Promise((resolve) => {
    release = resolve;
  });
  let answered;
  const isAnswered = new Promise((resolve) => {
    answered = resolve;
  });
  await page.route('**/customer/menu?all=true*', async (route) => {
    const response = await route.fetch();
    answered();
    await isReleased;
    await route.fulfill({ response });
  });
  const items = [await staff.newItem('물만두', 6_000)];
  await isAnswered;
  items.push(await staff.newItem('군만두', 6_500));
  // The stream delivers the event of the order after that of the item.
  const read = page.waitForRequest((request) => request.url().endsWith('/customer/orders'));
  await staff.call('PATCH', `/admin/orders/${order.id}/status`, { status: 'preparing' });
  await read;
  release();
  await expect(page.getByRole('heading', { name: '군만두' })).toBeVisible();
  for (const { id } of items) await staff.call('DELETE', `/admin/menus/${id}`);
});

test('an order refused for a sold-out item returns to the cart', async ({ tablet, page, staff, table }) => {
  tablet.complaints.expect(/409/);
  const item = await staff.newItem('한정 만두', 6_000);
  await expect(page.getByRole('heading', { name: '한정 만두' })).toBeVisible();
  await tablet.add('한정 만두');
  await tablet.add('식혜');
  const button = await tablet.review();
  // Hold the page's requests and its stream, so that it does not receive the change.
  let release;
  const held = new Promise((resolve) => {
    release = resolve;
  });
  await page.route('**/api/v1/customer/orders', async (route) => {
    await held;
    await route.fallback();
  });
  await button.click();
  await staff.changeItem(item, { is_available: false });
  release();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('품절된 메뉴가 있어 주문하지 못했습니다');
  await expect(dialog).toContainText('한정 만두');
  await expect(dialog).not.toContainText('식혜');
  await dialog.getByRole('button', { name: '장바구니 확인' }).click();
  await dialog.getByRole('button', { name: '품절 메뉴 빼기' }).click();
  await expect(dialog.getByRole('button', { name: '3,500원 주문하기' })).toBeVisible();
  await dialog.getByRole('button', { name: '3,500원 주문하기' }).click();
  await tablet.isPlaced();
  expect(await staff.orders(table)).toHaveLength(1);
});

test('a changed price must be accepted before the order', async ({ tablet, page, staff, table }) => {
  tablet.complaints.expect(/409/);
  const item = await staff.newItem('제철 나물', 5_000);
  await expect(page.getByRole('heading', { name: '제철 나물' })).toBeVisible();
  await tablet.add('제철 나물');
  const button = await tablet.review();
  let release;
  const held = new Promise((resolve) => {
    release = resolve;
  });
  await page.route('**/api/v1/customer/orders', async (route) => {
    if (route.request().method() === 'POST') await held;
    await route.fallback();
  });
  await button.click();
  await staff.changeItem(item, { price: 6_500 });
  release();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('바뀌어 주문하지 않았습니다');
  expect(await staff.orders(table)).toEqual([]);
  await dialog.getByRole('button', { name: '장바구니 확인' }).click();
  await expect(dialog).toContainText('이전 5,000원');
  await expect(dialog).toContainText('현재 6,500원');
  await dialog.getByRole('button', { name: '바뀐 내용 확인' }).click();
  await expect(dialog.getByRole('button', { name: '6,500원 주문하기' })).toBeVisible();
  await dialog.getByRole('button', { name: '6,500원 주문하기' }).click();
  await tablet.isPlaced();
  const [order, ...others] = await staff.orders(table);
  expect(others).toEqual([]);
  expect(order.total_amount).toBe(6_500);
  await staff.call('DELETE', `/admin/menus/${item.id}`);
});

test('an order placed offline is sent when the page is opened online', async ({ tablet, page, context, staff, table, server }) => {
  await tablet.add('떡볶이');
  const button = await tablet.review();
  await tablet.disconnect();
  await button.click();
  await expect(page.getByRole('heading', { name: '네트워크 연결을 기다리고 있습니다' })).toBeVisible();
  const queued = await page.evaluate(() => JSON.parse(localStorage.getItem('tableorder.guest.queue')));
  expect(queued).toHaveLength(1);
  // A page that is being closed is briefly online again: prevent it from sending the order.
  await page.evaluate(() => (window.fetch = () => new Promise(() => {})));
  await page.close();
  expect(await staff.orders(table)).toEqual([]);
  await tablet.reconnect();
  const next = await context.newPage();
  await next.goto(`${server.base}/order`);
  await expect(next.getByRole('button', { name: '주문 내역 1' })).toBeVisible();
  const [order, ...others] = await staff.orders(table);
  expect(others).toEqual([]);
  expect(JSON.parse(queued[0].body)).toMatchObject({ items: [{ quantity: 1 }], menu_version: expect.any(Number) });
  expect(order.items[0].menu_name).toBe('떡볶이');
  expect(await next.evaluate(() => JSON.parse(localStorage.getItem('tableorder.guest.queue')))).toEqual([]);
});

test('a tablet can order although its clock is wrong by two days', async ({ page, server, staff, table, complaints }) => {
  await page.addInitScript(() => {
    const now = Date.now;
    Date.now = () => now() - 48 * 3_600_000;
  });
  const tablet = new Tablet(page, server.base, table, complaints);
  await tablet.pair();
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  expect(await staff.orders(table)).toHaveLength(1);
});

test('an expired order is not placed and returns to the cart', async ({ tablet, page, staff, table }) => {
  tablet.complaints.expect(/409/);
  await tablet.add('식혜');
  const button = await tablet.review();
  await expireOrders(page);
  await button.click();
  await expect(page.getByRole('heading', { name: '시간이 지나 주문되지 않았습니다' })).toBeVisible();
  await expect(tablet.line('식혜')).toHaveCount(1);
  expect(await staff.orders(table)).toEqual([]);
});

test('a completion shows the thank-you page and removes the guest data', async ({ tablet, page, staff, table }) => {
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  await tablet.add('생맥주', 3);
  await page.getByRole('button', { name: /Language/ }).click();
  await page.getByRole('button', { name: 'English' }).click();
  await tablet.close();
  const completed = await staff.complete(table);
  await expect(page.getByRole('heading', { name: 'Thank you for your visit' })).toBeVisible();
  await expect(page.getByText('₩2,000')).toBeVisible();
  await page.getByRole('button', { name: 'Start again' }).click();
  await tablet.isReady();
  await expect(page.locator('html')).toHaveAttribute('lang', 'ko');
  await expect(tablet.cart).toContainText('아직 담은 메뉴가 없습니다');
  await page.getByRole('button', { name: '주문 내역' }).click();
  await expect(page.getByRole('dialog')).toContainText('아직 주문이 없습니다');
  await tablet.close();
  await tablet.add('식혜');
  await tablet.order();
  await tablet.isPlaced();
  const orders = await staff.orders(table);
  expect(orders.map(({ items, session_id }) => [items[0].menu_name, session_id === completed.session_id])).toEqual([['식혜', false], ['콜라', true]]);
});

test('if a session ends while the tablet is off, its data is removed', async ({ tablet, page, context, staff, table, server }) => {
  // The stream is refused, because the session has ended.
  tablet.complaints.expect(/409/);
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  await tablet.add('생맥주');
  await page.close();
  await staff.complete(table);
  const next = await context.newPage();
  await next.goto(`${server.base}/order`);
  await expect(next.locator('.badge.live')).toBeVisible();
  await expect(next.locator('.cart-panel')).toContainText('아직 담은 메뉴가 없습니다');
  await expect(next.getByRole('button', { name: '주문 내역', exact: true })).toBeVisible();
});

test('undoing a completion restores the orders', async ({ tablet, page, staff, table }) => {
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  const { session_id } = await staff.complete(table);
  await expect(page.getByRole('heading', { name: '이용해 주셔서 감사합니다' })).toBeVisible();
  await expect(page.getByRole('button', { name: '새로 시작하기' })).toBeVisible();
  await staff.call('POST', `/admin/sessions/${session_id}/reopen`);
  await expect(page.getByRole('button', { name: '주문 내역 1' })).toBeVisible();
});

test('a revoked tablet asks for the password and keeps its cart and queue', async ({ tablet, page, staff, table }) => {
  tablet.complaints.expect(/401|409|ERR_FAILED/);
  const orders = '**/api/v1/customer/orders';
  await page.route(orders, (route) => (route.request().method() === 'POST' ? route.abort() : route.fallback()));
  await tablet.add('식혜');
  await tablet.order();
  await expect(page.getByRole('heading', { name: '네트워크 연결을 기다리고 있습니다' })).toBeVisible();
  await tablet.close();
  await tablet.add('된장찌개');
  const queue = () => page.evaluate(() => JSON.parse(localStorage.getItem('tableorder.guest.queue')));
  const [{ key }] = await queue();
  const { devices } = await staff.call('GET', '/admin/devices?limit=200');
  const device = devices.find(({ table_number }) => table_number === table.number);
  await staff.call('DELETE', `/admin/devices/${device.id}`);
  await expect(page.getByText('이 기기의 연결이 해제되었습니다')).toBeVisible({ timeout: 20_000 });
  await expect(page.getByLabel('테이블 번호')).toHaveValue(String(table.number));
  expect(await queue()).toMatchObject([{ key, state: 'queued' }]);
  await page.unroute(orders);
  await page.getByLabel('테이블 비밀번호').fill('1234');
  await page.getByRole('button', { name: '연결하기' }).click();
  await tablet.isReady();
  await expect(tablet.line('된장찌개')).toBeVisible();
  await expect(page.getByRole('button', { name: '주문 내역 1' })).toBeVisible();
  expect((await staff.orders(table)).map(({ items }) => items[0].menu_name)).toEqual(['식혜']);
  expect(await queue()).toEqual([]);
});

test('a new table number is shown after the next order or a reload', async ({ tablet, page, staff, table }) => {
  const renumber = async () => {
    staff.lastTable += 1;
    await staff.call('PATCH', `/admin/tables/${table.id}`, { table_number: staff.lastTable });
    return `${staff.lastTable}번 테이블`;
  };
  const shown = page.locator('.header-table');
  await expect(shown).toHaveText(`${table.number}번 테이블`);
  const second = await renumber();
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await expect(shown).toHaveText(second);
  await tablet.close();
  const third = await renumber();
  await page.reload();
  await expect(shown).toHaveText(third);
  await expect(page.getByRole('button', { name: '주문 내역 1' })).toBeVisible();
});

test('a tablet paired with another store does not show the old menu', async ({ tablet, page, staff }) => {
  const other = await staff.newTable();
  const change = (address, edit) =>
    page.route(address, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: edit(await response.json()) });
    });
  await change('**/api/v1/customer/auth/login', (login) => ({ ...login, store_id: 'other-store', store_name: '다른 식당' }));
  await change(/\/customer\/menu(\?|$)/, (menu) => ({ ...menu, menu_version: 1, menus: [{ ...menu.menus[0], id: 999_999, name: '칼국수' }] }));
  await page.getByRole('button', { name: /Language/ }).click();
  await page.getByRole('button', { name: /테이블 다시 연결/ }).click();
  await page.getByLabel('매장 코드').fill('demo-store');
  await page.getByLabel('테이블 번호').fill(String(other.number));
  await page.getByLabel('테이블 비밀번호').fill('1234');
  await page.getByRole('button', { name: '연결하기' }).click();
  await expect(page.locator('.header-store')).toHaveText('다른 식당');
  await expect(page.getByRole('heading', { name: '칼국수' })).toBeVisible();
  await expect(page.locator('.card')).toHaveCount(1);
  await expect(page.locator('.category')).toHaveCount(1);
});

for (const [width, height] of [[1280, 800], [390, 844]]) {
  test(`a toast does not cover the notice of a queued order, ${width} pixels wide`, async ({ tablet, page }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await tablet.add('떡볶이');
    const button = await tablet.review();
    await tablet.disconnect();
    await button.click();
    await expect(page.getByRole('heading', { name: '네트워크 연결을 기다리고 있습니다' })).toBeVisible();
    await tablet.close();
    const notice = page.locator('.notice');
    await expect(notice).toContainText('보내지 못한 주문이 1건 있습니다');
    await page.setViewportSize({ width, height });
    await settled(page);
    const before = await notice.boundingBox();
    await page.getByRole('button', { name: '김치찌개', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: /원 담기$/ }).click();
    const toast = page.locator('.toast');
    await expect(toast).toBeVisible();
    await settled(page);
    const { y, height: toastHeight } = await toast.boundingBox();
    expect(y + toastHeight).toBeLessThanOrEqual(before.y);
    expect(await notice.boundingBox()).toEqual(before);
  });
}

test('an order refused in the background is listed as refused', async ({ tablet, page, staff, table }) => {
  tablet.complaints.expect(/409/);
  await tablet.add('식혜');
  const button = await tablet.review();
  await tablet.disconnect();
  await button.click();
  await expect(page.getByRole('heading', { name: '네트워크 연결을 기다리고 있습니다' })).toBeVisible();
  await tablet.close();
  await expireOrders(page);
  await tablet.reconnect();
  await expect(page.locator('.notice')).toContainText('접수되지 않은 주문이 있습니다');
  await page.getByRole('button', { name: '보기', exact: true }).click();
  await expect(page.locator('.order.refused h3')).toHaveText('접수되지 않은 주문');
  expect(await staff.orders(table)).toEqual([]);
});

test('items of an order refused in the background stay in the cart', async ({ page, server, table, complaints }) => {
  complaints.expect(/409|ERR_INTERNET_DISCONNECTED|Failed to load resource/);
  await page.clock.install();
  const tablet = new Tablet(page, server.base, table, complaints);
  await tablet.pair();
  await tablet.add('식혜');
  const button = await tablet.review();
  await tablet.disconnect();
  await button.click();
  await expect(page.getByRole('heading', { name: '네트워크 연결을 기다리고 있습니다' })).toBeVisible();
  await tablet.close();
  await page.clock.fastForward(200_000);
  await expireOrders(page);
  await tablet.reconnect();
  await expect(page.locator('.notice')).toContainText('접수되지 않은 주문이 있습니다');
  await expect(tablet.line('식혜')).toBeVisible();
  await page.clock.fastForward(245_000);
  await page.clock.fastForward(31_000);
  await page.clock.fastForward(1_000);
  await expect(tablet.line('식혜')).toBeVisible();
  await page.getByRole('button', { name: '보기', exact: true }).click();
  await expect(page.locator('.order.refused')).toBeVisible();
});

test('updates work after a session ended while the page was closed', async ({ page, server, staff, table, complaints }) => {
  complaints.expect(/Failed to load resource|ERR_/);
  const proxy = await startProxy(server.base);
  complaints.allow(proxy.base);
  const tablet = new Tablet(page, proxy.base, table, complaints);
  await tablet.pair();
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await page.goto('about:blank');
  await staff.complete(table);
  await page.goto(`${proxy.base}/order`);
  await tablet.isReady();
  const connected = page.waitForResponse(/orders\/stream/);
  proxy.cut();
  await connected;
  const item = await staff.newItem('호박전', 9_000);
  await expect(page.getByRole('heading', { name: '호박전' })).toBeVisible();
  await staff.call('DELETE', `/admin/menus/${item.id}`);
  proxy.stop();
});

test('the thank-you page lists undelivered orders', async ({ tablet, page, staff, table }) => {
  tablet.complaints.expect(/409/);
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  await tablet.add('식혜', 2);
  const button = await tablet.review();
  await tablet.disconnect();
  await button.click();
  await expect(page.getByRole('heading', { name: '네트워크 연결을 기다리고 있습니다' })).toBeVisible();
  await staff.complete(table);
  await tablet.reconnect();
  await expect(page.getByRole('heading', { name: '이용해 주셔서 감사합니다' })).toBeVisible();
  await expect(page.getByRole('alert')).toContainText('전달되지 않은 주문이 1건 있습니다');
  await expect(page.getByRole('alert').getByRole('listitem')).toHaveText('식혜 ×2');
});

test('an unreachable server is shown until it responds', async ({ page, server, table, complaints }) => {
  complaints.expect(/ERR_FAILED|Failed to load resource/);
  await page.clock.install();
  await page.goto(`${server.base}/order?store=demo-store&table=${table.number}`);
  await page.getByLabel('테이블 비밀번호').fill('1234');
  await page.route('**/*', (route) => route.abort());
  await page.getByRole('button', { name: '연결하기' }).click();
  await expect(page.getByRole('alert')).toContainText('서버에 연결할 수 없습니다');
  const asked = page.waitForRequest((request) => request.method() === 'HEAD');
  await page.clock.runFor(5_500);
  await asked;
  await expect(page.getByRole('alert')).toBeVisible();
  await page.unroute('**/*');
  await page.clock.runFor(5_500);
  await expect(page.getByRole('alert')).toHaveCount(0);
});
