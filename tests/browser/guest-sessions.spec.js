// The guest page when the session of its table changes during a request.
import { expect, Tablet, test } from './support/fixtures.js';
import { startProxy } from './support/proxy.js';

const renewals = '**/api/v1/customer/auth/session';

/** Holds the server's response to the next request to an address. */
async function holdAnswer(page, address) {
  let release;
  const isReleased = new Promise((resolve) => {
    release = resolve;
  });
  let isHeld = true;
  const isAnswered = new Promise((answered) => {
    page.route(address, async (route) => {
      if (!isHeld) return route.fallback();
      isHeld = false;
      const response = await route.fetch();
      answered();
      await isReleased;
      await route.fulfill({ response });
    });
  });
  await page.route(address, (route) => route.fallback());
  return { isAnswered, release };
}

/** The tablet's table and session, as stored by the page. */
const kept = (page) => page.evaluate(() => JSON.parse(localStorage.getItem('tableorder.guest.device')));

const nextGuests = (page) => page.getByRole('button', { name: '새로 시작하기' });

/** Orders one item, completes the table and starts the next session. Returns the ended session. */
async function changeGuests({ tablet, page, staff, table }) {
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  const { session_id } = await staff.complete(table);
  await nextGuests(page).click();
  await tablet.isReady();
  return session_id;
}

test('a late renewal response does not undo a new pairing', async ({ tablet, page, staff }) => {
  const other = await staff.newTable();
  const { isAnswered, release } = await holdAnswer(page, renewals);
  await page.reload();
  await isAnswered;
  await page.getByRole('button', { name: /Language/ }).click();
  await page.getByRole('button', { name: /테이블 다시 연결/ }).click();
  await page.getByLabel('매장 코드').fill('demo-store');
  await page.getByLabel('테이블 번호').fill(String(other.number));
  await page.getByLabel('테이블 비밀번호').fill('1234');
  await page.getByRole('button', { name: '연결하기' }).click();
  await expect.poll(async () => (await kept(page)).table_number).toBe(other.number);
  const renewed = page.waitForEvent('requestfinished', (request) => request.url().endsWith('/auth/session'));
  release();
  await renewed;
  await tablet.isReady();
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  expect((await kept(page)).table_number).toBe(other.number);
  expect(await staff.orders(other)).toHaveLength(1);
});

test('a late renewal response does not reopen an ended session', async ({ tablet, page, staff, table }) => {
  // The page opens a stream with the token of the late response.
  tablet.complaints.expect(/409/);
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  const { isAnswered, release } = await holdAnswer(page, renewals);
  await page.reload();
  await isAnswered;
  await expect(page.getByRole('button', { name: '주문 내역 1' })).toBeVisible();
  const { session_id } = await staff.complete(table);
  await expect(page.getByRole('heading', { name: '이용해 주셔서 감사합니다' })).toBeVisible();
  const phases = page.evaluate(
    () =>
      new Promise((resolve) => {
        const seen = [];
        const observer = new MutationObserver(() => {
          const title = document.querySelector('h1')?.textContent ?? '';
          if (seen.at(-1) !== title) seen.push(title);
          if (!document.querySelector('main.thanks button[aria-busy="true"]') && title.includes('감사합니다')) resolve(seen);
        });
        observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      }),
  );
  release();
  await expect(nextGuests(page)).toBeEnabled();
  expect(await phases).toEqual(['이용해 주셔서 감사합니다']);
  await expect(page.getByText('2,000원')).toBeVisible();
  expect((await kept(page)).session_id).not.toBe(session_id);
});

test('a session is reopened although the first token renewals fail', async ({ tablet, page, staff, table }) => {
  tablet.complaints.expect(/ERR_FAILED/);
  const session = await changeGuests({ tablet, page, staff, table });
  let failures = 2;
  await page.route(renewals, (route) => {
    if (failures === 0) return route.fallback();
    failures -= 1;
    return route.abort();
  });
  await staff.call('POST', `/admin/sessions/${session}/reopen`);
  await expect(page.getByRole('button', { name: '주문 내역 1' })).toBeVisible();
  expect(failures).toBe(0);
});

test('a session that is reopened while offline keeps the language', async ({ tablet, page, staff, table }) => {
  tablet.complaints.expect(/ERR_|409/);
  const session = await changeGuests({ tablet, page, staff, table });
  await page.getByRole('button', { name: /Language/ }).click();
  await page.getByRole('button', { name: 'English' }).click();
  await tablet.close();
  await tablet.disconnect();
  await expect(page.locator('.badge.live')).toHaveCount(0);
  await staff.call('POST', `/admin/sessions/${session}/reopen`);
  await tablet.reconnect();
  await expect(page.getByRole('button', { name: 'My orders 1' })).toBeVisible();
  expect((await kept(page)).session_id).toBe(session);
});

test('a queued order is sent in the reopened session', async ({ tablet, page, staff, table }) => {
  tablet.complaints.expect(/ERR_FAILED/);
  const session = await changeGuests({ tablet, page, staff, table });
  const address = '**/api/v1/customer/orders';
  await page.route(address, (route) => (route.request().method() === 'POST' ? route.abort() : route.fallback()));
  await tablet.add('식혜');
  await tablet.order();
  await expect(page.getByRole('heading', { name: '네트워크 연결을 기다리고 있습니다' })).toBeVisible();
  await staff.call('POST', `/admin/sessions/${session}/reopen`);
  await expect.poll(async () => (await kept(page)).session_id).toBe(session);
  await page.unroute(address);
  await expect.poll(async () => (await staff.orders(table)).map((order) => order.items[0].menu_name)).toEqual(['식혜', '콜라']);
  const sessions = (await staff.orders(table)).map((order) => order.session_id);
  expect(sessions).toEqual([session, session]);
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

test('a second tab switches to the next session', async ({ tablet, page, context, server, staff, table }) => {
  tablet.complaints.expect(/ERR_FAILED|409/);
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  const second = await context.newPage();
  await second.goto(`${server.base}/order`);
  await expect(second.getByRole('button', { name: '주문 내역 1' })).toBeVisible();
  await expect(second.locator('.badge.live')).toBeVisible();
  // Without a stream, the second tab can detect the end only by the first tab.
  await second.route('**/orders/stream', (route) => route.abort());
  await second.evaluate(() => dispatchEvent(new Event('online')));
  await expect(second.locator('.badge.live')).toHaveCount(0);
  await staff.complete(table);
  for (const one of [page, second]) {
    await expect(one.getByRole('heading', { name: '이용해 주셔서 감사합니다' })).toBeVisible();
    await nextGuests(one).click();
    await expect(one.getByRole('button', { name: '주문 내역', exact: true })).toBeVisible();
  }
  await second.getByRole('button', { name: '식혜 담기', exact: true }).click();
  await second.locator('.cart-panel').getByRole('button', { name: '주문하기' }).click();
  await second.getByRole('dialog').getByRole('button', { name: /원 주문하기$/ }).click();
  await expect(second.getByRole('heading', { name: '주문이 접수되었습니다' })).toBeVisible();
  await expect(second.getByRole('button', { name: '주문 내역 1' })).toBeVisible();
});

test('the first order of a party does not show that an earlier one waited', async ({ tablet, page, staff, table }) => {
  tablet.complaints.expect(/ERR_FAILED|409/);
  const orders = '**/api/v1/customer/orders';
  const fail = (route) => (route.request().method() === 'POST' ? route.abort() : route.fallback());
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await tablet.close();
  await page.route(orders, fail);
  await tablet.add('식혜');
  await tablet.order();
  await expect(page.getByRole('heading', { name: '네트워크 연결을 기다리고 있습니다' })).toBeVisible();
  await staff.complete(table);
  await nextGuests(page).click();
  await tablet.isReady();
  await page.unroute(orders, fail);
  const { isAnswered, release } = await holdAnswer(page, orders);
  await tablet.add('된장찌개');
  await tablet.order();
  await isAnswered;
  await expect(page.getByRole('heading', { name: '주문을 보내고 있습니다' })).toBeVisible();
  release();
  await tablet.isPlaced();
});

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
  // The browser may learn the new address later than the page, and would reload the old one.
  await expect(page).not.toHaveURL(/settings/);
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

test('guests are thanked when the renewal of the token returns the next session', async ({ page, server, staff, table, complaints }) => {
  complaints.expect(/ERR_|Failed to load resource/);
  const proxy = await startProxy(server.base);
  complaints.allow(proxy.base);
  await page.clock.install();
  const tablet = new Tablet(page, proxy.base, table, complaints);
  await tablet.pair();
  await tablet.add('콜라');
  await tablet.order();
  await tablet.isPlaced();
  await page.route('**/customer/orders/stream', (route) => route.abort());
  proxy.cut();
  await expect(page.locator('.badge.reconnecting')).toBeVisible();
  await staff.complete(table);
  await page.clock.fastForward('12:00:00');
  await expect(nextGuests(page)).toBeVisible();
  proxy.stop();
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
