// Double taps.
import { expect, test } from './support/fixtures.js';
import { signIn } from './support/sign-in.js';
import { pausedTaps } from './support/taps.js';

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

test('a double tap on a table of the staff page leaves its dialog open', async ({ page, server }) => {
  await signIn(page, `${server.base}/staff`);
  // The dialog does not cover the first card: the second tap is beside it.
  const card = page.getByRole('button', { name: /^\d+번 테이블$/ }).first();
  const tap = await pausedTaps(page, card);
  await tap();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toBeVisible();
  await page.clock.runFor(400);
  await tap();
  await expect(dialog).toBeVisible();
});

test('a double tap that closes a dialog does nothing on the page below', async ({ page, server, table }) => {
  await signIn(page, `${server.base}/staff`);
  await page.getByRole('button', { name: `${table.number}번 테이블`, exact: true }).click();
  const dialog = page.getByRole('dialog');
  const tap = await pausedTaps(page, dialog.getByRole('button', { name: '닫기' }));
  await tap();
  await expect(dialog).toHaveCount(0);
  await page.evaluate(() => {
    window.taps = 0;
    document.addEventListener('click', () => (window.taps += 1));
  });
  await page.clock.runFor(400);
  await tap();
  expect(await page.evaluate(() => window.taps)).toBe(0);
  await page.clock.runFor(200);
  await tap();
  expect(await page.evaluate(() => window.taps)).toBe(1);
});

test('two quick taps on the decrease button do not remove the item', async ({ tablet }) => {
  await tablet.add('콜라', 2);
  const fewer = tablet.line('콜라').getByRole('button', { name: '콜라 하나 빼기' });
  await fewer.evaluate((element) => {
    element.click();
    setTimeout(() => element.click(), 100);
  });
  await expect(tablet.line('콜라').locator('output')).toHaveText('1');
  await tablet.line('콜라').getByRole('button', { name: '콜라 삭제' }).click({ delay: 600 });
  await expect(tablet.line('콜라')).toHaveCount(0);
});
