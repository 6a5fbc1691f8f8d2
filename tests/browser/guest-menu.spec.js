// The menu while it changes.
import { expect, test } from './support/fixtures.js';

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

test('a menu update moves nothing and keeps the open dialog and its input', async ({ tablet, page, staff }) => {
  await tablet.add('콜라');
  await tablet.cart.getByLabel('요청 사항').fill('얼음 많이');
  const item = await staff.newItem('새 메뉴', 3_000);
  await page.getByRole('button', { name: '음료·주류' }).click();
  await page.getByRole('button', { name: '식혜', exact: true }).click();
  await expect(page.getByRole('dialog')).toContainText('식혜');
  const scrolled = await page.evaluate(() => scrollY);
  const { menu_version } = await page.evaluate(async () => {
    const { token } = JSON.parse(localStorage.getItem('tableorder.guest.device'));
    return (await fetch('/api/v1/customer/menu', { headers: { Authorization: `Bearer ${token}` } })).json();
  });
  await staff.changeItem(item, { price: 3_500 });
  await page.waitForFunction((version) => JSON.parse(localStorage.getItem('tableorder.guest.menu')).version > version, menu_version);
  await expect(page.getByRole('dialog')).toContainText('식혜');
  expect(await page.evaluate(() => scrollY)).toBe(scrolled);
  await expect(tablet.cart.getByLabel('요청 사항')).toHaveValue('얼음 많이');
  await staff.call('DELETE', `/admin/menus/${item.id}`);
});
