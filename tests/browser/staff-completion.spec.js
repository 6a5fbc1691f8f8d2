// The completion of tables and of old orders on the staff page, and its undo.
import { expect, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { card, openTable, signIn } from './support/staff-page.js';

test.describe('the staff page', () => {
  test('updates the total during a completion, and undoes a completion', async ({ page, server, table }) => {
    const guest = await Guest.login(server.base, table);
    await guest.order('콜라');
    await signIn(page, server.base);
    await page.getByRole('button', { name: `${table.number}번 테이블`, exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: '이용 완료' }).click();
    await expect(dialog).toContainText('아직 끝나지 않은 주문 1건');
    await expect(dialog.locator('.total')).toContainText('2,000원');
    await guest.order('식혜');
    await expect(dialog.locator('.total')).toContainText('5,500원');
    await expect(dialog).toContainText('방금 새 주문이 들어왔습니다');
    await expect(dialog).toContainText('아직 끝나지 않은 주문 2건');
    await dialog.getByRole('button', { name: '이용 완료' }).click();
    await expect(dialog).toHaveCount(0);
    await expect(card(page, table)).toContainText('비어 있음');
    await page.getByRole('button', { name: `${table.number}번 테이블`, exact: true }).click();
    await dialog.getByRole('button', { name: '지난 주문' }).click();
    await expect(dialog).toContainText('식혜 1');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog', { name: `${table.number}번 테이블`, exact: true })).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);
    await page.getByRole('button', { name: '되돌리기' }).click();
    await expect(card(page, table)).toContainText('5,500원');
  });

  test('explains that a completion cannot be undone after a new party came', async ({ page, server, table, complaints }) => {
    complaints.expect(/409/);
    const guest = await Guest.login(server.base, table);
    await guest.order('콜라');
    await signIn(page, server.base);
    await page.getByRole('button', { name: `${table.number}번 테이블`, exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: '이용 완료' }).click();
    await page.getByRole('dialog').getByRole('button', { name: '이용 완료' }).click();
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await (await Guest.login(server.base, table)).order('식혜');
    await expect(card(page, table)).toContainText('3,500원');
    await page.getByRole('button', { name: '되돌리기' }).click();
    await expect(page.getByRole('status').filter({ hasText: '다음 손님이 이 테이블을 이용하기 시작해 되돌릴 수 없습니다' })).toBeVisible();
  });

  test('offers to undo two completions, one of which had no response', async ({ page, server, staff, table, complaints }) => {
    complaints.expect(/ERR_|Failed to load resource/);
    const second = await staff.newTable();
    for (const one of [table, second]) await (await Guest.login(server.base, one)).order();
    await signIn(page, server.base);
    const complete = async (one) => {
      const dialog = await openTable(page, one);
      await dialog.getByRole('button', { name: '이용 완료' }).click();
      const button = page.getByRole('dialog').getByRole('button', { name: '이용 완료', exact: true });
      await expect(button).toBeEnabled();
      await button.click();
    };
    // The server completes the table, and its response is lost.
    await page.route('**/complete', async (route) => {
      await route.fetch();
      await route.abort();
    });
    await complete(table);
    const undo = (one) => page.locator('.undo-bar', { hasText: `${one.number}번 테이블` }).getByRole('button', { name: '되돌리기' });
    await expect(undo(table)).toBeVisible();
    await page.unroute('**/complete');
    await complete(second);
    for (const one of [table, second]) {
      await undo(one).click();
      await expect(card(page, one)).toContainText('2,000원');
    }
  });

  test('completes all old orders together, and stops at the first failure', async ({ page, server, staff, table, complaints }) => {
    complaints.expect(/Failed to load resource/);
    const guest = await Guest.login(server.base, table);
    const orders = [];
    for (let n = 0; n < 3; n += 1) orders.push(await guest.order());
    await signIn(page, server.base);
    const count = async (name) => Number((await page.getByRole('button', { name }).textContent()).replace(/\D/g, ''));
    const [active, waiting] = [await count(/^이용 중/), await count(/^대기 주문/)];
    await staff.call('PATCH', `/admin/orders/${orders[2].id}/status`, { status: 'preparing' });
    await expect(card(page, table)).toContainText('대기 2');
    await expect(card(page, table).locator('.status').last()).toHaveText('대기');
    expect(await count(/^대기 주문/)).toBe(waiting - 1);
    await staff.complete(table);
    await expect(card(page, table)).toContainText('미완료 3건 (이전 손님)');
    await expect(card(page, table)).toContainText('비어 있음');
    expect(await count(/^이용 중/)).toBe(active - 1);
    expect(await count(/^대기 주문/)).toBe(waiting);
    await openTable(page, table);
    await page.getByRole('button', { name: '모두 완료', exact: true }).click();
    const confirm = page.getByRole('dialog', { name: '이전 손님 주문 모두 완료' });
    await page.route(`**/api/v1/admin/orders/${orders[1].id}/status`, (route) => route.abort());
    await confirm.getByRole('button', { name: '모두 완료하기' }).click();
    await expect(confirm.getByRole('alert')).toContainText('3건 중 1건을 완료한 뒤 멈췄습니다.');
    expect(await staff.orders(table)).toHaveLength(2);
    await page.unroute(`**/api/v1/admin/orders/${orders[1].id}/status`);
    // Another user completes one of the other orders.
    const [{ id }] = (await staff.orders(table)).filter((order) => order.id !== orders[1].id);
    for (const status of ['preparing', 'completed']) await staff.call('PATCH', `/admin/orders/${id}/status`, { status }).catch(() => {});
    await confirm.getByRole('button', { name: '모두 완료하기' }).click();
    await expect(confirm).toHaveCount(0);
    expect(await staff.orders(table)).toEqual([]);
    await expect(page.getByRole('dialog').locator('.order').first()).toContainText('처리가 끝난 주문입니다');
    await expect(page.getByRole('button', { name: '모두 완료', exact: true })).toBeDisabled();
  });

  test('leaves a dialog open that was opened during a slow completion', async ({ page, server, staff, table }) => {
    const other = await staff.newTable();
    for (const one of [table, other]) await (await Guest.login(server.base, one)).order();
    await signIn(page, server.base);
    await (await openTable(page, table)).getByRole('button', { name: '이용 완료' }).click();
    const complete = page.getByRole('dialog', { name: /이용 완료/ }).getByRole('button', { name: '이용 완료' });
    await expect(complete).toBeEnabled();
    let answer;
    await page.route('**/complete', async (route) => {
      const response = await route.fetch();
      answer = () => route.fulfill({ response });
    });
    await complete.click();
    await expect.poll(() => answer).toBeTruthy();
    await page.goBack();
    await expect(page.getByRole('dialog')).toHaveCount(0);
    const dialog = await openTable(page, other);
    await dialog.getByRole('button', { name: '주문 취소' }).click();
    await dialog.getByLabel('취소 사유').fill('손님 요청');
    await answer();
    await expect(page.locator('.undo-bar')).toContainText('이용 완료');
    await expect(dialog.getByLabel('취소 사유')).toHaveValue('손님 요청');
  });
});
