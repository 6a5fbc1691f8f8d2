// Users in the office.
import { checkPage } from './support/axe.js';
import { expect, test } from './support/fixtures.js';
import { dialog, endLogin, openOffice, row } from './support/office-page.js';
import { startServer } from './support/server.js';
import { fillLogin, signIn } from './support/sign-in.js';
import { Staff } from './support/staff.js';

/** A server with the demo store and another one, which has one category. */
const withStores = test.extend({
  stores: async ({ complaints }, use) => {
    const server = await startServer();
    complaints.allow(server.base);
    const owner = new Staff(server.base);
    const other = { store: 'kimchi', username: 'boss', password: 'open sesame' };
    const { username, password } = other;
    await owner.call('POST', '/setup/store', { code: server.code, store: { store_id: other.store, name: '김치식당' }, owner: { username, password } });
    owner.token = (await owner.call('POST', '/admin/auth/login', { store_id: other.store, username, password })).token;
    await owner.newCategory('김치 요리', []);
    await use({ server, other });
    await server.stop();
  },
});

test.describe('users in the office', () => {
  test('without the role owner see an explanation', async ({ page, server, staff, complaints }) => {
    const user = await staff.call('POST', '/admin/users', { username: '미나', password: 'mina1234', role: 'staff' });
    await page.goto(`${server.base}/office`);
    await fillLogin(page, { store: 'demo-store', username: '미나', password: 'mina1234' });
    await expect(page.getByRole('heading', { name: '점주만 이용할 수 있습니다' })).toBeVisible();
    await expect(page.getByText('미나 계정은 직원 계정입니다')).toBeVisible();
    await checkPage(page, 'the explanation');
    await expect(page.getByRole('link', { name: '직원 화면' })).toHaveAttribute('href', '/staff');
    // The owner changes the role in the meantime.
    await staff.call('PATCH', `/admin/users/${user.id}`, { role: 'owner' });
    await page.reload();
    await expect(row(page, '김치찌개')).toBeVisible();
    await expect(page.locator('.badge.live')).toBeVisible();
    await staff.call('PATCH', `/admin/users/${user.id}`, { role: 'staff' });
    complaints.expect(/403/);
    const refused = page.waitForResponse((response) => response.status() === 403);
    await page.getByRole('link', { name: '계정' }).click();
    await refused;
    await expect(page.getByRole('heading', { name: '점주만 이용할 수 있습니다' })).toBeVisible();
    await page.getByRole('button', { name: '다른 계정으로 로그인' }).click();
    await fillLogin(page);
    await expect(page.locator('.badge.live')).toBeVisible();
    await staff.call('DELETE', `/admin/users/${user.id}`);
  });

  test('are added, changed and deleted', async ({ page, server, complaints }) => {
    complaints.expect(/409/);
    await openOffice(page, server, 'users');
    await page.getByRole('button', { name: '계정 추가' }).click();
    await dialog(page).getByLabel('아이디').fill('admin');
    await dialog(page).getByLabel('비밀번호', { exact: true }).fill('junho1234');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page).getByLabel('아이디')).toBeFocused();
    await expect(dialog(page).getByLabel('아이디')).toHaveAccessibleDescription('이미 있는 아이디입니다');
    await dialog(page).getByLabel('아이디').fill('준호');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(row(page, '준호')).toContainText('직원');
    await page.getByRole('button', { name: '준호 수정' }).click();
    await dialog(page).getByLabel('역할').selectOption({ label: '점주' });
    await dialog(page).getByLabel('새 비밀번호').fill('another1234');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(row(page, '준호')).toContainText('점주');
    const login = await fetch(`${server.base}/api/v1/admin/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ store_id: 'demo-store', username: '준호', password: 'another1234' }),
    });
    expect(await login.json()).toMatchObject({ role: 'owner' });
    await page.getByRole('button', { name: '준호 삭제' }).click();
    await dialog(page).getByRole('button', { name: '삭제', exact: true }).click();
    await expect(row(page, '준호')).toHaveCount(0);
  });

  test('cannot remove the last owner', async ({ page, server, staff, complaints }) => {
    complaints.expect(/409/);
    await openOffice(page, server, 'users');
    await expect(row(page, 'admin')).toContainText('(나)');
    await page.getByRole('button', { name: 'admin 삭제' }).click();
    await expect(dialog(page)).toContainText('점주 계정이 하나 이상 있어야 합니다');
    await expect(dialog(page).getByRole('button', { name: '삭제', exact: true })).toHaveCount(0);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'admin 수정' }).click();
    await dialog(page).getByLabel('역할').selectOption({ label: '직원' });
    await expect(dialog(page)).toContainText('이 화면을 더 이상 쓸 수 없습니다');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page).getByText('점주 계정이 하나 이상 있어야 합니다')).toBeVisible();
    const { users } = await staff.call('GET', '/admin/users');
    expect(users.find(({ username }) => username === 'admin').role).toBe('owner');
  });

  test('change their own password with the current one', async ({ page, server, staff, complaints }) => {
    complaints.expect(/422/);
    const user = await staff.call('POST', '/admin/users', { username: '수아', password: 'sua12345', role: 'owner' });
    await signIn(page, `${server.base}/office#users`, { store: 'demo-store', username: '수아', password: 'sua12345' });
    await page.getByRole('button', { name: '내 비밀번호 변경' }).click();
    await dialog(page).getByLabel('현재 비밀번호').fill('wrong');
    await dialog(page).getByLabel('새 비밀번호').fill('sua67890');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page).getByLabel('현재 비밀번호')).toHaveAccessibleDescription('현재 비밀번호가 아닙니다');
    await dialog(page).getByLabel('현재 비밀번호').fill('sua12345');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page)).toHaveCount(0);
    await expect(row(page, '수아')).toContainText('(나)');
    await staff.call('DELETE', `/admin/users/${user.id}`);
  });

  test('see how long to wait after several wrong passwords', async ({ page, server, complaints }) => {
    complaints.expect(/429/);
    let seconds = 840;
    const json = { error: { code: 'TOO_MANY_REQUESTS', message: '', details: [], request_id: '1' } };
    await page.route('**/admin/auth/login', (route) => route.fulfill({ status: 429, headers: { 'Retry-After': String(seconds) }, json }));
    await page.goto(`${server.base}/office`);
    await fillLogin(page);
    await expect(page.getByRole('alert')).toHaveText('요청이 너무 많습니다. 14분 뒤에 다시 시도해 주세요.');
    seconds = 40;
    await fillLogin(page);
    await expect(page.getByRole('alert')).toHaveText('요청이 너무 많습니다. 40초 뒤에 다시 시도해 주세요.');
  });

  test('can stay signed in, and sign out', async ({ page, context, server }) => {
    await page.goto(`${server.base}/office`);
    await page.getByLabel('창을 닫아도 로그인 유지 (기본 16시간)').check();
    await fillLogin(page);
    await expect(page.locator('.badge.live')).toBeVisible();
    const other = await context.newPage();
    await other.goto(`${server.base}/office`);
    await expect(row(other, '김치찌개')).toBeVisible();
    await other.close();
    await page.getByRole('button', { name: '로그아웃' }).click();
    await expect(page.getByRole('heading', { name: '매장 관리 로그인' })).toBeVisible();
    for (const path of ['office', 'staff', 'order']) {
      await page.goto(`${server.base}/${path}`);
      await expect(page.getByLabel('매장 코드')).toHaveValue('demo-store');
    }
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    expect(stored).not.toContain('token');
  });

  withStores('of another store see only data of their store', async ({ page, stores: { server, other }, complaints }) => {
    complaints.expect(/401/);
    const signInAgain = async (account) => {
      await endLogin(page);
      // The stream reconnects and is refused.
      await page.evaluate(() => dispatchEvent(new Event('online')));
      const again = page.getByRole('dialog', { name: '다시 로그인해 주세요' });
      await fillLogin(again, account);
      await expect(again).toHaveCount(0);
      await expect(page.locator('.badge.live')).toBeVisible();
    };
    const go = (name) => page.getByRole('link', { name, exact: true }).click();
    await openOffice(page, server);
    await page.getByLabel('메뉴 검색').fill('콜라');
    await page.getByLabel('표시할 카테고리').selectOption({ label: '음료·주류' });
    await signInAgain(other);
    await expect(page.getByRole('heading', { name: '김치 요리' })).toBeVisible();
    await expect(page.getByLabel('메뉴 검색')).toHaveValue('');
    await go('테이블');
    await expect(page.getByRole('heading', { name: '테이블 0개' })).toBeVisible();
    await signInAgain();
    await expect(row(page, '1번 테이블').first()).toBeVisible();
    await go('계정');
    await expect(row(page, 'admin')).toBeVisible();
    await signInAgain(other);
    await expect(row(page, 'boss')).toBeVisible();
    await go('변경 기록');
    await expect(row(page, '김치 요리')).toBeVisible();
    await signInAgain();
    await expect(row(page, 'admin').first()).toBeVisible();
    await expect(row(page, '김치 요리')).toHaveCount(0);
  });

  test('keep the language that was chosen on the staff page', async ({ page, server }) => {
    await page.goto(`${server.base}/office`);
    await page.getByRole('button', { name: 'English' }).click();
    await page.goto(`${server.base}/staff`);
    await expect(page.getByLabel('Store code')).toBeVisible();
    await page.goto(`${server.base}/setup`);
    await expect(page.getByRole('heading', { level: 1, name: 'Enter the set-up code' })).toBeVisible();
    await page.getByRole('button', { name: '한국어' }).click();
    await page.goto(`${server.base}/office`);
    await expect(page.getByLabel('매장 코드')).toBeVisible();
  });
});
