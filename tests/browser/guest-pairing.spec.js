// The pairing of a tablet with its table.
import { expect, Tablet, test } from './support/fixtures.js';

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
