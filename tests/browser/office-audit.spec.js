// The change log in the office.
import { expect, test } from './support/fixtures.js';
import { openOffice, row } from './support/office-page.js';

test.describe('the change log in the office', () => {
  test('shows the user of each change, and the values before and after', async ({ page, server, staff }) => {
    const item = await staff.newItem('가격 바뀐 국수', 6_000);
    await staff.changeItem(item, { price: 6_500, is_available: false });
    await openOffice(page, server, 'audit');
    const entry = row(page, '가격 바뀐 국수').first();
    await expect(entry).toContainText('메뉴 변경 · 가격 바뀐 국수');
    await expect(entry).toContainText('admin');
    await expect(entry.locator('.change-row')).toHaveText([/가격\s*6,000원\s*→\s*6,500원/, /판매\s*판매 중\s*→\s*품절/]);
    await page.getByLabel('표시할 기록').selectOption({ label: '메뉴 추가' });
    await expect(row(page, '메뉴 변경')).toHaveCount(0);
    await expect(row(page, '가격 바뀐 국수')).toContainText('메뉴 추가');
    await staff.call('DELETE', `/admin/menus/${item.id}`);
    await page.getByLabel('표시할 기록').selectOption({ label: '메뉴 삭제' });
    await expect(row(page, '가격 바뀐 국수')).toContainText('메뉴 삭제');
  });

  test('loads more pages without repeating an entry', async ({ page, server, staff }) => {
    const item = await staff.newItem('자주 바뀌는 국수', 6_000);
    for (let n = 1; n <= 60; n += 1) await staff.changeItem(item, { price: 6_000 + n });
    await openOffice(page, server, 'audit');
    await page.getByLabel('표시할 기록').selectOption({ label: '메뉴 변경' });
    await expect(row(page, '6,060원')).toHaveCount(1);
    await expect(page.locator('.row')).toHaveCount(50);
    await page.getByRole('button', { name: '더 보기' }).click();
    await expect(row(page, '6,001원')).toHaveCount(2);
    await expect(row(page, '6,010원')).toHaveCount(2);
    await staff.call('DELETE', `/admin/menus/${item.id}`);
  });
});
