// The end of a session, its undoing, and the next session.
import { expect, nextGuests, Tablet, test } from './support/fixtures.js';
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
