// Faults that happen while the office is in use: slow and lost responses, and changes by other users.
import { expect, test } from './support/fixtures.js';
import { arranged, dialog, openOffice, row } from './support/office-page.js';

/** Holds the next request with this method until `release` is called. */
async function hold(page, method, path) {
  const url = `**/api/v1${path}`;
  let release;
  const released = new Promise((resolve) => {
    release = resolve;
  });
  let seen;
  const arrived = new Promise((resolve) => {
    seen = resolve;
  });
  await page.route(url, async (route) => {
    if (route.request().method() !== method) return route.fallback();
    seen();
    await released;
    return route.continue();
  });
  return { arrived, release };
}

const save = (page) => dialog(page).getByRole('button', { name: '저장', exact: true });

test.describe('a form that is being saved', () => {
  test('takes no input that would be lost', async ({ page, server, staff, complaints }) => {
    void complaints;
    const item = await staff.newItem('느린 국수', 7_000);
    await openOffice(page, server);
    await page.getByRole('button', { name: '느린 국수 수정' }).click();
    const name = dialog(page).getByLabel('메뉴 이름');
    await name.fill('느린 칼국수');
    const saving = await hold(page, 'PATCH', `/admin/menus/${item.id}`);
    await name.press('Enter');
    await saving.arrived;
    await name.press('End');
    await name.pressSequentially(' 곱빼기');
    await expect(name).toHaveValue('느린 칼국수');
    await expect(dialog(page).getByLabel('카테고리')).toBeDisabled();
    saving.release();
    await expect(dialog(page)).toHaveCount(0);
    await expect(row(page, '느린 칼국수')).toBeVisible();
    await staff.call('DELETE', `/admin/menus/${item.id}`);
  });

  test('can be edited again after a refusal, with the focus on the wrong field', async ({ page, server, staff, complaints }) => {
    void complaints;
    const item = await staff.newItem('옮긴 국수', 7_000);
    const { categories } = await staff.call('GET', '/admin/categories');
    const [first, second] = categories.filter(({ id }) => id !== item.category_id);
    await openOffice(page, server);
    await page.getByRole('button', { name: '옮긴 국수 수정' }).click();
    const category = dialog(page).getByLabel('카테고리', { exact: true });
    await category.selectOption({ label: first.name });
    await staff.changeItem(item, { category_id: second.id });
    await save(page).click();
    await expect(category).toBeFocused();
    await category.selectOption({ label: second.name });
    await save(page).click();
    await expect(dialog(page)).toHaveCount(0);
    await staff.call('DELETE', `/admin/menus/${item.id}`);
  });
});

arranged('an order that is being saved does not change', async ({ page, server, category, complaints }) => {
  void complaints;
  await openOffice(page, server);
  await page.getByRole('button', { name: `${category.name} 순서 바꾸기` }).click();
  const names = dialog(page).locator('.order-name');
  await dialog(page).getByRole('button', { name: '하나 옮기기' }).press('End');
  await expect(names).toHaveText(['둘', '셋', '하나']);
  const saving = await hold(page, 'PUT', '/admin/menus/order');
  await save(page).click();
  await saving.arrived;
  await dialog(page).getByRole('button', { name: '하나 옮기기' }).press('Home');
  await expect(names).toHaveText(['둘', '셋', '하나']);
  saving.release();
  await expect(dialog(page)).toHaveCount(0);
});
