// How the office looks.
import { checkPage } from './support/axe.js';
import { expect, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { dialog, openOffice, row } from './support/office-page.js';

for (const [scheme, width, height] of [['light', 1280, 800], ['dark', 390, 844], ['light', 640, 400]]) {
  test(`axe-core finds no violation and no small target in the office: ${scheme}, ${width} pixels wide`, async ({ page, server, staff, table, complaints }) => {
    complaints.expect(/409/);
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    const check = (what) => checkPage(page, what);
    const long = '아주 긴 이름의 메뉴 '.repeat(9).slice(0, 100);
    const item = await staff.newItem(long, 100_000_000, { description: long.repeat(3), is_available: false });
    await Guest.login(server.base, table);
    await page.goto(`${server.base}/office`);
    await expect(page.getByRole('button', { name: '로그인', exact: true })).toBeVisible();
    await check('sign-in');
    await openOffice(page, server);
    await expect(row(page, long)).toBeVisible();
    await check('menu');
    await page.getByRole('button', { name: `${long} 수정` }).click();
    await dialog(page).getByLabel('메뉴 이름').fill('');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await check('item with an error');
    await dialog(page).getByLabel('메뉴 이름').fill(long);
    await dialog(page).getByLabel('설명').fill('');
    await staff.changeItem(item, { description: long.repeat(2) });
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page).locator('.field-other')).toBeVisible();
    await check('item that was changed meanwhile');
    await page.keyboard.press('Escape');
    await check('warning');
    await dialog(page).getByRole('button', { name: '저장하지 않고 닫기' }).click();
    await page.getByRole('button', { name: '식사 순서 바꾸기' }).click();
    await check('order of items');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: '안주 삭제' }).click();
    await expect(dialog(page)).toContainText('다른 카테고리로 옮기거나');
    await check('refused deletion');
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: '테이블' }).click();
    await expect(row(page, `${table.number}번 테이블`)).toBeVisible();
    await check('tables');
    await page.getByRole('button', { name: '테이블 추가' }).click();
    await check('addition of tables');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: `${table.number}번 테이블, 기기 1대` }).click();
    await expect(dialog(page).locator('.row')).toBeVisible();
    await check('devices');
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: '계정' }).click();
    await expect(row(page, 'admin')).toBeVisible();
    await check('accounts');
    await page.getByRole('button', { name: '계정 추가' }).click();
    await check('addition of an account');
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: '변경 기록' }).click();
    await expect(page.locator('.row').first()).toBeVisible();
    await check('change log');
    await staff.call('DELETE', `/admin/menus/${item.id}`);
  });
}

test('every section of the office can be read in four languages', async ({ page, server }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await openOffice(page, server);
  for (const [code, names] of [
    ['en', ['Menu', 'Tables', 'Accounts', 'Change log']],
    ['ja', ['メニュー', 'テーブル', 'アカウント', '変更履歴']],
    ['zh', ['菜单', '餐桌', '账号', '变更记录']],
    ['ko', ['메뉴', '테이블', '계정', '변경 기록']],
  ]) {
    await page.locator('.language select').selectOption(code);
    for (const name of names) {
      await page.getByRole('link', { name, exact: true }).click();
      await expect(page.getByRole('heading', { level: 2, name })).toBeVisible();
      await expect(page.locator('.row').first()).toBeVisible();
      const text = await page.locator('body').innerText();
      expect(text).not.toMatch(/office\.|\{\w+\}/);
    }
  }
});
