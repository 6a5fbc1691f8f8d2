// The dialog of a table on the staff page: its orders, their steps and cancellation.
import { expect, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { middle, openTable, signIn } from './support/staff-page.js';

test.describe('the staff page', () => {
  test('advances the status of an order, cancels it and undoes that', async ({ page, server, staff, table }) => {
    const guest = await Guest.login(server.base, table);
    const { id } = await guest.order('떡볶이');
    await signIn(page, server.base);
    await page.getByRole('button', { name: `${table.number}번 테이블`, exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: '준비 시작' }).click();
    await expect(dialog.locator('.order')).toContainText('준비 중');
    await dialog.getByRole('button', { name: '완료', exact: true }).click();
    await expect(dialog.locator('.status')).toHaveText('완료');
    expect((await staff.orders(table))[0].status).toBe('completed');
    await dialog.getByRole('button', { name: '주문 취소' }).click();
    await dialog.getByLabel('취소 사유').fill('잘못 입력');
    await dialog.getByRole('button', { name: '주문 취소하기' }).click();
    await expect(dialog.locator('.order')).toContainText('취소됨');
    expect(await staff.orders(table)).toEqual([]);
    await dialog.getByRole('button', { name: '되돌리기' }).click();
    await expect(dialog.getByRole('button', { name: '주문 취소' })).toBeVisible();
    expect((await staff.orders(table))[0].id).toBe(id);
  });

  test('keeps a half-typed reason while twenty events arrive', async ({ page, server, staff, table }) => {
    const guest = await Guest.login(server.base, table);
    const cancelled = await guest.order();
    await signIn(page, server.base);
    await page.getByRole('button', { name: `${table.number}번 테이블`, exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: '주문 취소' }).click();
    const reason = dialog.getByLabel('취소 사유');
    await reason.pressSequentially('주문을 잘');
    const prepare = ({ id }) => staff.call('PATCH', `/admin/orders/${id}/status`, { status: 'preparing' });
    for (let n = 0; n < 5; n += 1) {
      const other = await Guest.login(server.base, await staff.newTable());
      for (const one of [other, guest]) await prepare(await one.order('식혜'));
    }
    await expect(page).toHaveTitle(/^\(10\)/);
    await expect(dialog.getByRole('button', { name: '새 주문 5건 보기' })).toBeVisible();
    // The stream delivers this event after the others.
    await prepare(cancelled);
    await expect(dialog.locator('.order .status')).toHaveText('준비 중');
    await expect(reason).toHaveValue('주문을 잘');
    await expect(reason).toBeFocused();
  });

  test('keeps every order of an open table at its place', async ({ page, server, staff, table }) => {
    const guest = await Guest.login(server.base, table);
    const first = await guest.order('콜라');
    const second = await guest.order('식혜');
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    const orderOf = (order) => dialog.locator('.order', { hasText: `주문 ${order.order_number.split('-')[1]}` });
    const start = await middle(orderOf(second).getByRole('button', { name: '준비 시작' }));
    const third = await guest.order('떡볶이');
    await expect(dialog.getByRole('button', { name: '새 주문 1건 보기' })).toBeVisible();
    await page.mouse.click(...start);
    await expect(orderOf(second)).toContainText('준비 중');
    await orderOf(first).getByRole('button', { name: '주문 취소' }).click();
    const cancel = await middle(orderOf(first).getByRole('button', { name: '주문 취소하기' }));
    await guest.order('콜라');
    await staff.call('DELETE', `/admin/orders/${second.id}`);
    await expect(dialog.getByRole('button', { name: '새 주문 2건 보기' })).toBeVisible();
    await expect(orderOf(second)).toContainText('다른 직원이 취소한 주문입니다');
    await page.mouse.click(...cancel);
    await expect(orderOf(first)).toContainText('취소됨');
    expect((await staff.orders(table)).map(({ status }) => status)).toEqual(['pending', 'pending']);
    const undo = await middle(orderOf(first).getByRole('button', { name: '되돌리기' }));
    await guest.order('콜라');
    await expect(dialog.getByRole('button', { name: '새 주문 3건 보기' })).toBeVisible();
    await page.mouse.click(...undo);
    await expect(orderOf(first).getByRole('button', { name: '준비 시작' })).toBeVisible();
    await expect(page).toHaveTitle(/^\(3\)/);
    await dialog.getByRole('button', { name: '새 주문 3건 보기' }).click();
    await expect(orderOf(third)).toBeVisible();
    await expect(dialog.locator('.order')).toHaveCount(5);
    await expect(page).not.toHaveTitle(/^\(/);
  });

  for (const [width, height] of [[1280, 800], [390, 844]]) {
    test(`keeps the scroll position and buttons in place: ${width} pixels wide`, async ({ page, server, staff, table }) => {
      await page.setViewportSize({ width, height });
      const guest = await Guest.login(server.base, table);
      const orders = [];
      for (const name of ['콜라', '식혜', '콜라', '식혜', '콜라', '식혜', '콜라']) orders.push(await guest.order(name));
      await signIn(page, server.base);
      const dialog = await openTable(page, table);
      const wanted = dialog.locator('.order', { hasText: `주문 ${orders[1].order_number.split('-')[1]}` });
      await wanted.scrollIntoViewIfNeeded();
      const start = await middle(wanted.getByRole('button', { name: '준비 시작' }));
      const complete = await middle(dialog.getByRole('button', { name: '이용 완료' }));
      await guest.order('떡볶이');
      await staff.call('DELETE', `/admin/orders/${orders[5].id}`);
      await expect(dialog.getByRole('button', { name: '새 주문 1건 보기' })).toBeVisible();
      await expect(dialog.getByText('다른 직원이 취소한 주문입니다')).toBeAttached();
      await page.mouse.click(...start);
      await expect(wanted).toContainText('준비 중');
      await page.mouse.click(...complete);
      await expect(dialog).toContainText('아직 끝나지 않은 주문 7건');
      await expect(dialog.locator('.total')).toContainText('주문 7건');
      const confirm = await middle(dialog.getByRole('button', { name: '이용 완료' }));
      await guest.order('떡볶이');
      await expect(dialog).toContainText('아직 끝나지 않은 주문 8건');
      // The button is rendered again with the count of the dashboard.
      await expect(dialog.locator('.total')).toContainText('주문 8건');
      expect(await middle(dialog.getByRole('button', { name: '이용 완료' }))).toEqual(confirm);
    });
  }

  test('shows an unsaved reason when another user cancels the order', async ({ page, server, staff, table }) => {
    const guest = await Guest.login(server.base, table);
    const { id } = await guest.order();
    await guest.order('식혜');
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    const order = dialog.locator('.order').last();
    await order.getByRole('button', { name: '주문 취소' }).click();
    await order.getByLabel('취소 사유').fill('손님이 마음을');
    const { height } = await order.boundingBox();
    await staff.call('DELETE', `/admin/orders/${id}`);
    await expect(order).toContainText('다른 직원이 취소한 주문입니다');
    await expect(order.getByRole('alert')).toContainText('저장되지 않았습니다: 손님이 마음을');
    expect((await order.boundingBox()).height).toBe(height);
  });

  test('keeps a half-typed reason while its dialog is closed', async ({ page, server, table }) => {
    await (await Guest.login(server.base, table)).order();
    await signIn(page, server.base);
    let dialog = await openTable(page, table);
    await dialog.getByRole('button', { name: '주문 취소' }).click();
    await dialog.getByLabel('취소 사유').fill('손님이 마음을');
    await page.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);
    dialog = await openTable(page, table);
    await expect(dialog.getByLabel('취소 사유')).toHaveValue('손님이 마음을');
    await dialog.getByRole('button', { name: '돌아가기' }).click();
    await page.keyboard.press('Escape');
    dialog = await openTable(page, table);
    await expect(dialog.getByRole('button', { name: '주문 취소' })).toBeVisible();
  });

  test('shows the length limit of a reason instead of cutting it', async ({ page, server, staff, table }) => {
    const guest = await Guest.login(server.base, table);
    await guest.order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    await dialog.getByRole('button', { name: '주문 취소' }).click();
    await dialog.getByLabel('취소 사유').fill('가'.repeat(501));
    await expect(dialog).toContainText('500자까지 입력할 수 있습니다 (현재 501자)');
    await dialog.getByRole('button', { name: '주문 취소하기' }).click();
    expect(await staff.orders(table)).toHaveLength(1);
    await dialog.getByLabel('취소 사유').fill('가'.repeat(500));
    await expect(dialog).toContainText('500 / 500자');
    await dialog.getByRole('button', { name: '주문 취소하기' }).click();
    await expect(dialog.locator('.order')).toContainText('취소됨');
  });
});
