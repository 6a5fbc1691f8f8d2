// The guest page after it was closed, asleep or without network: who is at the table is unknown.
import { expect, nextGuests, Tablet, test } from './support/fixtures.js';
import { startProxy } from './support/proxy.js';

const setVisibility = (page, state) =>
  page.evaluate((value) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => value });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);

/** A tablet that sleeps with an order while staff complete its table, and wakes up without network. */
const wokenTablet = async ({ page, server, staff, table, complaints }) => {
  complaints.expect(/ERR_|409|Failed to load resource/);
  const proxy = await startProxy(server.base);
  complaints.allow(proxy.base);
  const tablet = new Tablet(page, proxy.base, table, complaints);
  await page.clock.install();
  await tablet.pair();
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  await setVisibility(page, 'hidden');
  proxy.freeze();
  await staff.complete(table);
  await page.clock.fastForward('10:00');
  await setVisibility(page, 'visible');
  return { tablet, proxy };
};

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

test('a tablet that wakes up does not show the last bill to the next guests', async ({ page, server, staff, table, complaints }) => {
  const { tablet, proxy } = await wokenTablet({ page, server, staff, table, complaints });
  // Until the tablet has the next session, its first renewal is lost as well.
  await page.route('**/customer/auth/session', (route) => route.abort(), { times: 1 });
  proxy.thaw();
  await page.clock.fastForward('00:30');
  await expect(page.getByRole('button', { name: '주문 내역 1' })).toHaveCount(0);
  await tablet.isReady();
  await expect(nextGuests(page)).toHaveCount(0);
  // The thanks of a party that is present are shown again.
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await staff.complete(table);
  await expect(nextGuests(page)).toBeVisible();
  proxy.stop();
});

test('an order of the next guests, who wake the tablet without network, returns to their cart', async ({ page, server, staff, table, complaints }) => {
  const { tablet, proxy } = await wokenTablet({ page, server, staff, table, complaints });
  await tablet.add('식혜', 2);
  await tablet.order();
  await expect(page.getByRole('heading', { name: '주문을 보내고 있습니다' })).toBeVisible();
  proxy.thaw();
  await page.clock.fastForward('00:30');
  await expect(page.getByText('접수되지 않은 주문이 있습니다')).toBeVisible();
  await expect(tablet.line('식혜')).toContainText('2');
  await page.getByRole('button', { name: '보기', exact: true }).click();
  await expect(page.getByRole('dialog')).toContainText('테이블 이용 상태가 바뀌어 주문되지 않았습니다');
  const placed = async () => (await staff.orders(table)).map(({ items }) => items[0].menu_name).sort();
  expect(await placed()).toEqual(['콜라']);
  await page.getByRole('dialog').getByRole('button', { name: '장바구니 확인', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: /원 주문하기$/ }).click();
  await tablet.isPlaced();
  expect(await placed()).toEqual(['식혜', '콜라']);
  proxy.stop();
});

test('a tablet that sleeps on the thank-you page does not show it to the next guests', async ({ page, server, staff, table, complaints }) => {
  complaints.expect(/ERR_FAILED|Failed to load resource/);
  await page.clock.install();
  const tablet = new Tablet(page, server.base, table, complaints);
  await tablet.pair();
  const loading = new Set();
  page.on('request', (request) => request.url().endsWith('/customer/orders') && loading.add(request));
  page.on('requestfinished', (request) => loading.delete(request));
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await expect(page.getByRole('button', { name: '주문 내역 1' })).toBeVisible();
  await expect.poll(() => loading.size).toBe(0);
  await page.route('**/customer/auth/session', (route) => route.abort());
  await staff.complete(table);
  await expect(page.locator('.thanks-total')).toBeVisible();
  await setVisibility(page, 'hidden');
  await page.clock.fastForward('05:00');
  await setVisibility(page, 'visible');
  await expect(page.locator('.thanks-total')).toHaveCount(0);
  await page.unroute('**/customer/auth/session');
  await expect(nextGuests(page)).toBeEnabled();
  await setVisibility(page, 'hidden');
  await page.clock.fastForward('05:00');
  await setVisibility(page, 'visible');
  await tablet.isReady();
});

test('guests who have ordered keep cart and language after a reload without network', async ({ page, server, table, complaints }) => {
  complaints.expect(/ERR_FAILED|Failed to load resource/);
  await page.clock.install();
  const tablet = new Tablet(page, server.base, table, complaints);
  await tablet.pair();
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  await expect(page.getByRole('button', { name: '주문 내역 1' })).toBeVisible();
  await page.getByRole('button', { name: /Language/ }).click();
  await page.getByRole('button', { name: 'English', exact: true }).click();
  await tablet.close();
  await page.route('**/api/v1/**', (route) => route.abort());
  await page.reload();
  await page.getByRole('button', { name: 'Add 식혜', exact: true }).click();
  await page.clock.fastForward('04:10');
  await page.clock.runFor(40_000);
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await expect(tablet.line('식혜')).toBeVisible();
});

test('an order added before the session was confirmed does not reach the next guests', async ({ tablet, page, staff, table }) => {
  tablet.complaints.expect(/ERR_FAILED|Failed to load resource/);
  const stream = '**/customer/orders/stream';
  const abort = (route) => route.abort();
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  await page.route(stream, abort);
  await page.route('**/api/v1/customer/orders', (route) => (route.request().method() === 'POST' ? route.abort() : route.fallback()));
  await page.reload();
  await tablet.add('식혜');
  await tablet.order();
  await expect(page.getByRole('heading', { name: '네트워크 연결을 기다리고 있습니다' })).toBeVisible();
  await tablet.close();
  await page.unroute(stream, abort);
  await tablet.isReady();
  // The stream of the next session is connected before its guests start.
  const connected = page.waitForResponse((response) => response.url().endsWith('/orders/stream'));
  await staff.complete(table);
  await expect(page.locator('.unsent')).toContainText('식혜');
  await connected;
  await nextGuests(page).click();
  await tablet.isReady();
  await expect(tablet.line('식혜')).toHaveCount(0);
  await expect(page.getByText('접수되지 않은 주문이 있습니다')).toHaveCount(0);
});
