// The order of items and categories in the office.
import { expect } from './support/fixtures.js';
import { arranged, count, dialog, openOffice } from './support/office-page.js';

arranged.describe('the order of items', () => {
  arranged('is changed by the keyboard with one request and survives a reload', async ({ page, server, staff, category }) => {
    await openOffice(page, server);
    const puts = count(page, 'PUT', '/admin/menus/order');
    await page.getByRole('button', { name: `${category.name} 순서 바꾸기` }).focus();
    await page.keyboard.press('Enter');
    await dialog(page).getByRole('button', { name: '하나 옮기기' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await expect(dialog(page).getByRole('button', { name: '하나 옮기기' })).toBeFocused();
    await expect(dialog(page).locator('.reorder-name')).toHaveText(['둘', '하나', '셋']);
    await dialog(page).getByRole('button', { name: '둘 아래로' }).focus();
    await page.keyboard.press('Space');
    await expect(dialog(page).getByRole('button', { name: '둘 아래로' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(dialog(page).locator('.reorder-name')).toHaveText(['하나', '셋', '둘']);
    await dialog(page).getByRole('button', { name: '하나 옮기기' }).focus();
    await page.keyboard.press('End');
    await expect(dialog(page).locator('.reorder-name')).toHaveText(['셋', '둘', '하나']);
    expect(puts).toEqual([]);
    await dialog(page).getByRole('button', { name: '저장', exact: true }).focus();
    await page.keyboard.press('Enter');
    await expect(dialog(page)).toHaveCount(0);
    expect(puts).toEqual([{ category_id: category.id, ids: [...category.items.slice(1).reverse(), category.items[0]] }]);
    const names = page.getByRole('region', { name: category.name }).locator('.row-name');
    await expect(names).toHaveText(['셋', '둘', '하나']);
    await page.reload();
    await expect(names).toHaveText(['셋', '둘', '하나']);
    expect(await staff.namesIn(category)).toEqual(['셋', '둘', '하나']);
    expect(puts).toHaveLength(1);
  });

  arranged('moves one item at two quick taps, and the next one at a later tap', async ({ page, server, category }) => {
    await page.clock.install();
    await openOffice(page, server);
    await page.getByRole('button', { name: `${category.name} 순서 바꾸기` }).click();
    const names = dialog(page).locator('.reorder-name');
    const { x, y, width, height } = await dialog(page).getByRole('button', { name: '하나 아래로' }).boundingBox();
    const tap = () => page.mouse.click(x + width / 2, y + height / 2);
    await tap();
    await tap();
    await expect(names).toHaveText(['둘', '셋', '하나']);
    await expect(dialog(page).getByRole('button', { name: '하나 아래로' })).toBeFocused();
    await tap();
    await expect(names).toHaveText(['둘', '셋', '하나']);
    await page.clock.fastForward(1_500);
    await tap();
    await expect(names).toHaveText(['셋', '둘', '하나']);
  });

  arranged('is changed by dragging', async ({ page, server, staff, category }) => {
    await openOffice(page, server);
    await page.getByRole('button', { name: `${category.name} 순서 바꾸기` }).click();
    const handle = dialog(page).getByRole('button', { name: '셋 옮기기' });
    await handle.hover();
    await page.mouse.down();
    const first = await dialog(page).locator('.reorder-row').first().boundingBox();
    await page.mouse.move(first.x + 20, first.y + 30, { steps: 4 });
    await page.mouse.move(first.x + 20, first.y + 5, { steps: 4 });
    await expect(dialog(page).locator('.drop-before')).toContainText('하나');
    await page.mouse.up();
    await expect(dialog(page).locator('.reorder-name')).toHaveText(['셋', '하나', '둘']);
    await handle.hover();
    await page.mouse.down();
    await page.mouse.move(first.x + 20, first.y + 300, { steps: 4 });
    await expect(dialog(page).locator('.drop-after')).toContainText('둘');
    await page.keyboard.press('Escape');
    await page.mouse.up();
    await expect(dialog(page).locator('.reorder-name')).toHaveText(['셋', '하나', '둘']);
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page)).toHaveCount(0);
    expect(await staff.namesIn(category)).toEqual(['셋', '하나', '둘']);
  });

  arranged('is changed by dragging with a finger', async ({ page, server, staff, category }) => {
    await openOffice(page, server);
    await page.getByRole('button', { name: `${category.name} 순서 바꾸기` }).click();
    const finger = await page.context().newCDPSession(page);
    const touch = (type, x, y) => finger.send('Input.dispatchTouchEvent', { type, touchPoints: type === 'touchEnd' ? [] : [{ x, y }] });
    const { x, y } = await dialog(page).getByRole('button', { name: '하나 옮기기' }).boundingBox();
    await touch('touchStart', x + 20, y + 20);
    for (let n = 1; n <= 8; n += 1) await touch('touchMove', x + 20, y + 20 + n * 20);
    await expect(dialog(page).locator('.drop-after')).toContainText('셋');
    await touch('touchEnd');
    await expect(dialog(page).locator('.reorder-name')).toHaveText(['둘', '셋', '하나']);
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page)).toHaveCount(0);
    expect(await staff.namesIn(category)).toEqual(['둘', '셋', '하나']);
  });

  arranged('keeps the chosen order if the list has changed in the meantime', async ({ page, server, staff, category, complaints }) => {
    complaints.expect(/422/);
    await openOffice(page, server);
    await page.getByRole('button', { name: `${category.name} 순서 바꾸기` }).click();
    await dialog(page).getByRole('button', { name: '셋 위로' }).click();
    await staff.call('DELETE', `/admin/menus/${category.items[0]}`);
    await staff.newItem('넷', 5_000, { category_id: category.id });
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page).getByRole('alert')).toContainText('그사이 목록이 바뀌었습니다');
    await expect(dialog(page).locator('.reorder-name')).toHaveText(['셋', '둘', '넷']);
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page)).toHaveCount(0);
    expect(await staff.namesIn(category)).toEqual(['셋', '둘', '넷']);
  });
});
