// Orders on the guest page.
import { expect, Tablet, test } from './support/fixtures.js';
import { settled } from './support/settled.js';

/** Makes orders arrive after their `not_after`. */
const expireOrders = (page) =>
  page.route('**/api/v1/customer/orders', (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    const body = { ...route.request().postDataJSON(), not_after: new Date(Date.now() - 60_000).toISOString() };
    return route.fallback({ postData: JSON.stringify(body) });
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
  // Before the order, because a late attempt could otherwise pass unchanged.
  await expireOrders(page);
  await tablet.add('식혜');
  const button = await tablet.review();
  await tablet.disconnect();
  await button.click();
  await expect(page.getByRole('heading', { name: '네트워크 연결을 기다리고 있습니다' })).toBeVisible();
  await tablet.close();
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
  // Before the order, because a late attempt could otherwise pass unchanged.
  await expireOrders(page);
  await tablet.add('식혜');
  const button = await tablet.review();
  await tablet.disconnect();
  await button.click();
  await expect(page.getByRole('heading', { name: '네트워크 연결을 기다리고 있습니다' })).toBeVisible();
  await tablet.close();
  await page.clock.fastForward(200_000);
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

test('another tab sends the queued order of a closed tab', async ({ tablet, page, context, server, staff, table }) => {
  tablet.complaints.expect(/ERR_FAILED/);
  const second = await context.newPage();
  await second.clock.install();
  await second.goto(`${server.base}/order`);
  await expect(second.locator('.badge.live')).toBeVisible();
  await page.route('**/api/v1/customer/orders', (route) => (route.request().method() === 'POST' ? route.abort() : route.fallback()));
  await tablet.add('식혜');
  await tablet.order();
  await expect(page.getByRole('heading', { name: '네트워크 연결을 기다리고 있습니다' })).toBeVisible();
  await page.close();
  expect(await staff.orders(table)).toEqual([]);
  await second.clock.fastForward(20_000);
  await expect(second.getByRole('button', { name: '주문 내역 1' })).toBeVisible();
  expect(await staff.orders(table)).toHaveLength(1);
});

test('the list of orders says that it cannot be updated', async ({ tablet, page }) => {
  tablet.complaints.expect(/ERR_FAILED|Failed to load resource/);
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  await expect(page.getByRole('button', { name: '주문 내역 1' })).toBeVisible();
  await page.route('**/api/v1/customer/orders', (route) => (route.request().method() === 'GET' ? route.abort() : route.fallback()));
  await tablet.add('식혜');
  await tablet.order();
  await tablet.isPlaced();
  await page.getByRole('button', { name: '주문 내역 보기' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('콜라');
  await expect(dialog.getByRole('alert')).toBeVisible();
  await page.unroute('**/api/v1/customer/orders');
  await expect(dialog).toContainText('식혜');
  await expect(dialog.getByRole('alert')).toHaveCount(0);
});

test('an order that the browser cannot store asks to keep the page open', async ({ tablet, page }) => {
  await tablet.add('콜라');
  const button = await tablet.review();
  await page.evaluate(() => {
    Storage.prototype.setItem = () => {
      throw new Error('full');
    };
  });
  await tablet.disconnect();
  await button.click();
  await expect(page.getByRole('dialog')).toContainText('이 화면을 닫지 마세요');
  await tablet.reconnect();
  await tablet.isPlaced();
});
