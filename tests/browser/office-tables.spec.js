// Tables and their devices in the office.
import { expect, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { count, dialog, openOffice, row } from './support/office-page.js';

test.describe('tables in the office', () => {
  test('are added together, and existing ones are skipped', async ({ page, server, staff }) => {
    await staff.call('POST', '/admin/tables', { table_number: 9_003, password: '1234' });
    await openOffice(page, server, 'tables');
    await page.getByRole('button', { name: '테이블 추가' }).click();
    await dialog(page).getByLabel('첫 번호').fill('9001');
    await dialog(page).getByLabel('마지막 번호').fill('9008');
    await dialog(page).getByLabel('테이블 비밀번호').fill('7777');
    await expect(dialog(page)).toContainText('테이블 7개를 추가합니다. 이미 있는 1개는 건너뜁니다.');
    const sent = count(page, 'POST', '/admin/tables');
    await dialog(page).getByRole('button', { name: '추가', exact: true }).click();
    await expect(dialog(page)).toHaveCount(0, { timeout: 30_000 });
    expect(sent.map(({ table_number }) => table_number)).toEqual([9001, 9002, 9004, 9005, 9006, 9007, 9008]);
    await expect(row(page, /^900\d번 테이블/)).toHaveCount(8);
    const { tables } = await staff.call('GET', '/admin/tables');
    const added = tables.filter(({ table_number }) => table_number > 9_000);
    expect(added).toHaveLength(8);
    for (const { id } of added) await staff.call('DELETE', `/admin/tables/${id}`);
  });

  test('can be added from where a failure has stopped the addition', async ({ page, server, staff, complaints }) => {
    complaints.expect(/409|500|Failed to load resource/);
    await openOffice(page, server, 'tables');
    await page.getByRole('button', { name: '테이블 추가' }).click();
    await dialog(page).getByLabel('첫 번호').fill('9101');
    await dialog(page).getByLabel('마지막 번호').fill('9103');
    await dialog(page).getByLabel('테이블 비밀번호').fill('7777');
    await page.route('**/api/v1/admin/tables', (route) => {
      if (route.request().postDataJSON()?.table_number !== 9102) return route.fallback();
      return route.fulfill({ status: 409, json: { error: { code: 'LIMIT_REACHED', message: '' } } });
    });
    await dialog(page).getByRole('button', { name: '추가', exact: true }).click();
    await expect(dialog(page)).toContainText('3개 중 1개만 추가했습니다');
    await expect(dialog(page).getByRole('alert')).toContainText('최대 개수에 도달했습니다');
    await page.unroute('**/api/v1/admin/tables');
    await dialog(page).getByRole('button', { name: '추가', exact: true }).click();
    await expect(dialog(page)).toHaveCount(0, { timeout: 30_000 });
    const { tables } = await staff.call('GET', '/admin/tables');
    const added = tables.filter(({ table_number }) => table_number > 9_000);
    expect(added.map(({ table_number }) => table_number)).toEqual([9101, 9102, 9103]);
    for (const { id } of added) await staff.call('DELETE', `/admin/tables/${id}`);
  });

  test('have form errors beside the fields', async ({ page, server, table, complaints }) => {
    complaints.expect(/409|422/);
    await openOffice(page, server, 'tables');
    await page.getByRole('button', { name: '테이블 추가' }).click();
    const [from, to, password] = ['첫 번호', '마지막 번호', '테이블 비밀번호'].map((label) => dialog(page).getByLabel(label));
    const add = dialog(page).getByRole('button', { name: '추가', exact: true });
    await from.fill('1');
    await to.fill('5');
    await password.fill('123');
    await add.click();
    await expect(from).toHaveAccessibleDescription('이미 있는 테이블 번호입니다');
    await from.fill('9201');
    await add.click();
    await expect(to).toHaveAccessibleDescription('첫 번호보다 작을 수 없습니다');
    await to.fill('9201');
    await add.click();
    await expect(password).toHaveAccessibleDescription(/4자 이상/);
    await expect(password).toBeFocused();
    await page.keyboard.press('Escape');
    await dialog(page).getByRole('button', { name: '저장하지 않고 닫기' }).click();

    await page.getByRole('button', { name: `${table.number}번 테이블 수정` }).click();
    await dialog(page).getByLabel('테이블 번호').fill('1');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page).getByLabel('테이블 번호')).toHaveAccessibleDescription('이미 있는 테이블 번호입니다');
  });

  test('get a new password, which unpairs their tablets', async ({ page, server, table }) => {
    await Guest.login(server.base, table);
    await openOffice(page, server, 'tables');
    await expect(row(page, `${table.number}번 테이블`)).toContainText('기기 1대');
    await page.getByRole('button', { name: `${table.number}번 테이블 수정` }).click();
    await dialog(page).getByLabel('새 비밀번호').fill('5678');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page)).toHaveCount(0);
    await expect(row(page, `${table.number}번 테이블`)).toContainText('기기 0대');
    const login = (password) =>
      fetch(`${server.base}/api/v1/customer/auth/login`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ store_id: 'demo-store', table_number: table.number, password }),
      });
    expect((await login('1234')).status).toBe(401);
    expect((await login('5678')).status).toBe(200);
  });

  test('show their devices, and disconnect one of them', async ({ page, server, table }) => {
    const lost = await Guest.login(server.base, table);
    const kept = await Guest.login(server.base, table);
    await openOffice(page, server, 'tables');
    await page.getByRole('button', { name: `${table.number}번 테이블, 기기 2대` }).click();
    await dialog(page).getByRole('button', { name: `기기 ${lost.device} 연결 해제` }).click();
    await dialog(page).getByRole('button', { name: '지금 해제' }).click();
    await expect(dialog(page).locator('.row')).toHaveCount(1);
    await expect(dialog(page).locator('.row')).toContainText(`기기 ${kept.device}`);
    await expect(kept.order()).resolves.toBeTruthy();
    await expect(lost.order()).rejects.toThrow();
  });

  test('are not deleted while they are in use', async ({ page, server, table, staff, complaints }) => {
    complaints.expect(/409/);
    const guest = await Guest.login(server.base, table);
    await guest.order();
    await openOffice(page, server, 'tables');
    await page.getByRole('button', { name: `${table.number}번 테이블 삭제` }).click();
    await dialog(page).getByRole('button', { name: '삭제', exact: true }).click();
    await expect(dialog(page).getByRole('alert')).toContainText('직원 화면에서 이용을 완료한 뒤');
    await staff.complete(table);
    await dialog(page).getByRole('button', { name: '삭제', exact: true }).click();
    await expect(dialog(page)).toHaveCount(0);
    await expect(row(page, `${table.number}번 테이블`)).toHaveCount(0);
  });
});
