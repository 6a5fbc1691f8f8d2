// Forms in the office.
import { expect, test } from './support/fixtures.js';
import { dialog, endLogin, openOffice, row } from './support/office-page.js';

test.describe('a form in the office', () => {
  test('warns before unsaved input is lost', async ({ page, server }) => {
    await openOffice(page, server, 'tables');
    await page.goto(`${server.base}/office#menu`);
    await page.getByRole('button', { name: '콜라 수정' }).click();
    await page.keyboard.press('Escape');
    await expect(dialog(page)).toHaveCount(0);

    const name = dialog(page).getByLabel('메뉴 이름');
    const warning = dialog(page).getByText('저장하지 않은 내용이 있습니다');
    await page.getByRole('button', { name: '콜라 수정' }).click();
    await name.fill('콜라 제로');
    for (const leave of [
      () => page.keyboard.press('Escape'),
      () => dialog(page).getByRole('button', { name: '닫기', exact: true }).click(),
      () => dialog(page).getByRole('button', { name: '취소' }).click(),
      () => page.mouse.click(5, 5),
      () => page.evaluate(() => history.back()),
    ]) {
      await leave();
      await expect(warning).toBeVisible();
      await expect(dialog(page).getByRole('button', { name: '계속 편집' })).toBeFocused();
      await page.keyboard.press('Enter');
      await expect(warning).toHaveCount(0);
      await expect(name).toHaveValue('콜라 제로');
    }
    // Repeated presses without other input must not close the dialog.
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await expect(warning).toBeVisible();

    const asked = page.waitForEvent('dialog');
    await page.evaluate(() => {
      setTimeout(() => location.reload());
    });
    const question = await asked;
    expect(question.type()).toBe('beforeunload');
    await question.dismiss();
    await expect(name).toHaveValue('콜라 제로');

    await dialog(page).getByRole('button', { name: '저장하지 않고 닫기' }).click();
    await expect(dialog(page)).toHaveCount(0);
    await expect(row(page, '콜라').first()).not.toContainText('제로');
    await page.reload();
    await expect(row(page, '콜라').first()).toBeVisible();
  });

  test('keeps its input when the login ends', async ({ page, server, staff, complaints }) => {
    complaints.expect(/401/);
    await openOffice(page, server);
    await page.getByRole('button', { name: '음료·주류에 메뉴 추가' }).click();
    await dialog(page).getByLabel('메뉴 이름').fill('유자차');
    await endLogin(page);
    const again = page.getByRole('dialog', { name: '다시 로그인해 주세요' });
    await expect(again).toBeVisible({ timeout: 20_000 });
    // Only its button signs out.
    await page.keyboard.press('Escape');
    await page.mouse.click(5, 5);
    await expect(again.getByRole('alert')).toHaveCount(0);
    await again.getByRole('button', { name: '로그아웃' }).click();
    await expect(again.getByRole('alert')).toContainText('저장하지 않은 내용이 있습니다');
    await again.getByLabel('비밀번호').fill('admin1234');
    await again.getByRole('button', { name: '로그인', exact: true }).click();
    await expect(again).toHaveCount(0);
    await expect(dialog(page).getByLabel('메뉴 이름')).toHaveValue('유자차');
    await dialog(page).getByLabel('가격').fill('5000');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(row(page, '유자차')).toContainText('5,000원');
    await expect(page.locator('.badge.live')).toBeVisible();
    const { menus } = await staff.call('GET', '/admin/menus');
    await staff.call('DELETE', `/admin/menus/${menus.find(({ name }) => name === '유자차').id}`);
  });

  test('stays open when its subject is deleted', async ({ page, server, staff, complaints }) => {
    complaints.expect(/404/);
    const item = await staff.newItem('반짝 메뉴', 3_000);
    await openOffice(page, server);
    await page.getByRole('button', { name: '반짝 메뉴 수정' }).click();
    await dialog(page).getByLabel('가격').fill('3500');
    await staff.call('DELETE', `/admin/menus/${item.id}`);
    await expect(page.locator('.row', { hasText: '반짝 메뉴' })).toHaveCount(0);
    await expect(dialog(page).getByLabel('가격')).toHaveValue('3500');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page).getByRole('alert')).toContainText('그사이 삭제된 메뉴입니다');
  });
});
