import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, Tablet, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { signIn } from './support/sign-in.js';

const IMAGES = join(dirname(fileURLToPath(import.meta.url)), '../../docs/images');

// UPDATE_IMAGES=1 writes the images of the documentation. They are not compared, because fonts differ between machines.
test('the image of the guest page can be made', async ({ page, server, staff, complaints }, info) => {
  const [table] = (await staff.call('GET', '/admin/tables')).tables.filter(({ table_number }) => table_number === 3);
  const tablet = new Tablet(page, server.base, { id: table.id, number: 3, password: '1234' }, complaints);
  await tablet.pair();
  await tablet.add('김치찌개', 2);
  await tablet.add('해물파전');
  await page.mouse.move(640, 790);
  await page.evaluate(() => scrollTo(0, 0));
  await expect(tablet.line('해물파전')).toBeVisible();
  await take(page, info, 'guest.png');
});

test('the image of the staff page can be made', async ({ page, server, staff }, info) => {
  const all = (await staff.call('GET', '/admin/tables')).tables.map(({ id, table_number }) => ({ id, number: table_number }));
  await signIn(page, `${server.base}/staff`);
  const orders = [[1, '돌솥비빔밥', 2, 'completed'], [2, '김치찌개', 2, 'preparing'], [2, '콜라', 3, 'pending'], [4, '해물파전', 1, 'pending'], [5, '순살치킨', 1, 'preparing']];
  for (const [number, name, quantity, status] of orders) {
    const guest = await Guest.login(server.base, all.find((table) => table.number === number));
    const { id } = await guest.order(name, quantity);
    if (status !== 'pending') await staff.call('PATCH', `/admin/orders/${id}/status`, { status: 'preparing' });
    if (status === 'completed') await staff.call('PATCH', `/admin/orders/${id}/status`, { status });
  }
  for (const number of [1, 2, 5]) {
    await page.getByRole('button', { name: `${number}번 테이블`, exact: true }).click();
    await expect(page.locator('.order').first()).toBeVisible();
    await expect(page.locator('.table.new', { hasText: `${number}번 테이블` })).toHaveCount(0);
    await page.keyboard.press('Escape');
  }
  await page.mouse.move(640, 70);
  await page.evaluate(() => document.activeElement?.blur());
  await expect(page.locator('.table.new')).toContainText('4번 테이블');
  await take(page, info, 'staff.png');
});

test('the image of the office page can be made', async ({ page, server, staff }, info) => {
  const { menus } = await staff.call('GET', '/admin/menus');
  const bulgogi = menus.find(({ name }) => name === '불고기덮밥');
  await staff.changeItem(bulgogi, { is_available: false });
  await signIn(page, `${server.base}/office`);
  await expect(page.getByRole('switch', { name: '불고기덮밥 판매' })).toHaveAttribute('aria-checked', 'false');
  await page.evaluate(() => document.activeElement?.blur());
  await take(page, info, 'office.png');
  await staff.changeItem(bulgogi, { is_available: true });
});

test('the image of the set-up page can be made', async ({ page, server }, info) => {
  await page.goto(`${server.base}/setup#${server.code}`);
  await page.getByLabel('매장 이름').fill('김치식당');
  await page.getByLabel('매장 코드').fill('kimchi');
  await page.getByLabel('영업일 시작 시각').selectOption('04:00');
  await page.evaluate(() => document.activeElement?.blur());
  await take(page, info, 'setup.png');
});

/** Writes an image to the documentation if UPDATE_IMAGES is set, else to the test results. */
async function take(page, info, name) {
  const path = process.env.UPDATE_IMAGES ? join(IMAGES, name) : info.outputPath(name);
  const image = await page.screenshot({ path });
  expect(image.readUInt32BE(16)).toBe(1280);
}
