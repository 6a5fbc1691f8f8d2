// Faults that happen while the office is in use: slow and lost responses, and changes by other users.
import { checkPage } from './support/axe.js';
import { expect, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { arranged, dialog, endLogin, openOffice, row } from './support/office-page.js';
import { signIn } from './support/sign-in.js';

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
  test('takes no input that would be lost', async ({ page, server, staff }) => {
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

  test('can be edited again after a refusal, with the focus on the wrong field', async ({ page, server, staff }) => {
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

arranged('an order that is being saved does not change', async ({ page, server, category }) => {
  await openOffice(page, server);
  await page.getByRole('button', { name: `${category.name} 순서 바꾸기` }).click();
  const names = dialog(page).locator('.reorder-name');
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

/** The places of the shown rows' switches, by their names. */
const places = (page) =>
  page.getByRole('switch').evaluateAll((switches) => switches.map((one) => {
    const { x, y } = one.getBoundingClientRect();
    return [one.getAttribute('aria-label'), x, y];
  }));

test.describe('a menu that another user changes', () => {
  arranged('keeps its rows in place while the page is in use', async ({ page, server, staff, category }) => {
    await page.clock.install();
    await openOffice(page, server);
    const group = page.getByRole('region', { name: category.name });
    const names = group.locator('.row-name');
    await expect(names).toHaveText(['하나', '둘', '셋']);
    const before = await places(page);
    const [one, two, three] = category.items;
    const added = await staff.newItem('새 찌개', 9_000);
    await staff.call('PUT', '/admin/menus/order', { category_id: category.id, ids: [three, two, one] });
    await staff.call('DELETE', `/admin/menus/${two}`);
    const other = await staff.newCategory('나중 카테고리', []);
    await staff.call('PUT', '/admin/categories/order', { ids: [other.id, ...(await staff.call('GET', '/admin/categories')).categories.map(({ id }) => id).filter((id) => id !== other.id)] });
    await staff.changeItem({ id: three }, { price: 7_700, is_available: false });
    await expect(row(group, '셋')).toContainText('7,700원');
    await expect(row(group, '셋')).toContainText('품절');
    await expect(group.locator('li[inert]')).toContainText('둘');
    await expect(names).toHaveText(['하나', '둘', '셋']);
    expect(await places(page)).toEqual(before);

    await page.clock.fastForward(60_000);
    await expect(names).toHaveText(['셋', '하나']);
    await expect(row(page, '새 찌개')).toBeVisible();
    await expect(page.locator('.group h3').first()).toContainText('나중 카테고리');
    await staff.call('DELETE', `/admin/menus/${added.id}`);
    await staff.deleteCategory(other);
  });

  arranged('shows no further sold-out item while the page is in use', async ({ page, server, staff, category }) => {
    const [one, two, three] = category.items;
    await staff.changeItem({ id: two }, { is_available: false });
    await staff.changeItem({ id: three }, { is_available: false });
    await openOffice(page, server);
    const group = page.getByRole('region', { name: category.name });
    await page.getByRole('button', { name: '품절만 보기' }).click();
    await expect(group.locator('.row-name')).toHaveText(['둘', '셋']);
    await staff.changeItem({ id: one }, { is_available: false });
    await staff.changeItem({ id: two }, { is_available: true });
    await expect(row(group, '둘')).toContainText('판매 중');
    await expect(group.locator('.row-name')).toHaveText(['둘', '셋']);
    await page.getByRole('button', { name: '셋 수정' }).click();
    await page.keyboard.press('Escape');
    await expect(group.locator('.row-name')).toHaveText(['하나', '셋']);
  });
});

test('a switch that could not be changed moves no row', async ({ page, server, complaints }) => {
  complaints.expect(/ERR_FAILED|Failed to load resource/);
  await openOffice(page, server);
  await page.route('**/api/v1/admin/menus/*', (route) => route.abort());
  const before = await places(page);
  await page.getByRole('switch', { name: '김치찌개 판매' }).click();
  await expect(page.getByRole('alert')).toContainText('김치찌개: 바꾸지 못해');
  expect(await places(page)).toEqual(before);
  await page.getByRole('alert').getByRole('button', { name: '닫기' }).click();
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test.describe('a late response', () => {
  test('to a deletion does not close the dialog that is open now', async ({ page, server, staff }) => {
    const item = await staff.newItem('지울 국수', 7_000);
    await openOffice(page, server);
    await page.getByRole('button', { name: '지울 국수 삭제' }).click();
    const deletion = await hold(page, 'DELETE', `/admin/menus/${item.id}`);
    await dialog(page).getByRole('button', { name: '삭제', exact: true }).click();
    await deletion.arrived;
    await page.goBack();
    await expect(dialog(page)).toHaveCount(0);
    await page.getByRole('button', { name: '콜라 수정' }).click();
    await dialog(page).getByLabel('메뉴 이름').fill('콜라 제로');
    deletion.release();
    await expect(row(page, '지울 국수')).toHaveCount(0);
    await expect(dialog(page).getByLabel('메뉴 이름')).toHaveValue('콜라 제로');
  });

  test('to a discarded form does not close the dialog that is open now', async ({ page, server, staff }) => {
    const item = await staff.newItem('버릴 국수', 7_000);
    await openOffice(page, server);
    await page.getByRole('button', { name: '버릴 국수 수정' }).click();
    await dialog(page).getByLabel('메뉴 이름').fill('버린 국수');
    const saving = await hold(page, 'PATCH', `/admin/menus/${item.id}`);
    await save(page).click();
    await saving.arrived;
    await page.evaluate(() => history.back());
    await dialog(page).getByRole('button', { name: '저장하지 않고 닫기' }).click();
    await page.getByRole('button', { name: '콜라 수정' }).click();
    await dialog(page).getByLabel('메뉴 이름').fill('콜라 제로');
    saving.release();
    await expect(row(page, '버린 국수')).toBeVisible();
    await expect(dialog(page).getByLabel('메뉴 이름')).toHaveValue('콜라 제로');
    await staff.call('DELETE', `/admin/menus/${item.id}`);
  });

  test('to a login does not sign in a user who has signed out', async ({ page, server, complaints }) => {
    complaints.expect(/401/);
    await openOffice(page, server);
    await endLogin(page);
    const again = page.getByRole('dialog', { name: '다시 로그인해 주세요' });
    await expect(again).toBeVisible({ timeout: 20_000 });
    const login = await hold(page, 'POST', '/admin/auth/login');
    await again.getByLabel('비밀번호').fill('admin1234');
    await again.getByRole('button', { name: '로그인', exact: true }).click();
    await login.arrived;
    await again.getByRole('button', { name: '로그아웃' }).click();
    await expect(page.getByRole('heading', { name: '매장 관리 로그인' })).toBeVisible();
    const answered = page.waitForResponse((response) => response.url().endsWith('/admin/auth/login'));
    const ended = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/admin/auth/logout')) ended.push(request.headers().authorization);
    });
    login.release();
    const { token } = await (await answered).json();
    await expect.poll(() => ended).toContain(`Bearer ${token}`);
    await expect(page.getByRole('heading', { name: '매장 관리 로그인' })).toBeVisible();
    expect(await page.evaluate(() => sessionStorage.getItem('tableorder.office.account'))).toBeNull();
  });
});

test.describe('the focus after a deletion by keyboard', () => {
  const press = async (page, name) => {
    await page.getByRole('button', { name, exact: true }).focus();
    await page.keyboard.press('Enter');
  };
  /** Confirms in the open dialog. */
  const confirm = async (page) => {
    const button = dialog(page).getByRole('button', { name: '삭제', exact: true });
    await expect(button).toBeEnabled();
    await button.press('Enter');
    await expect(dialog(page)).toHaveCount(0);
  };

  arranged('is on the heading of its category, then of the menu', async ({ page, server, staff, category }) => {
    const other = await staff.newCategory('비울 카테고리', ['마지막']);
    await openOffice(page, server);
    await press(page, '하나 삭제');
    await confirm(page);
    await expect(page.getByRole('heading', { name: new RegExp(`^${category.name}`) })).toBeFocused();
    await press(page, '마지막 삭제');
    await confirm(page);
    await press(page, '비울 카테고리 삭제');
    await confirm(page);
    await expect(page.getByRole('heading', { name: /^메뉴/, level: 2 })).toBeFocused();
    expect((await staff.call('GET', '/admin/categories')).categories.map(({ id }) => id)).not.toContain(other.id);
  });

  test('is on the heading of the tables or accounts', async ({ page, server, staff, table }) => {
    await staff.call('POST', '/admin/users', { username: '지울직원', password: 'staff1234', role: 'staff' });
    await openOffice(page, server, 'tables');
    await press(page, `${table.number}번 테이블 삭제`);
    await confirm(page);
    await expect(page.getByRole('heading', { name: /^테이블/, level: 2 })).toBeFocused();
    await page.getByRole('link', { name: '계정' }).click();
    await press(page, '지울직원 삭제');
    await confirm(page);
    await expect(page.getByRole('heading', { name: /^계정/, level: 2 })).toBeFocused();
  });

  test('stays in the dialog of the tablets', async ({ page, server, table }) => {
    const { device } = await Guest.login(server.base, table);
    await openOffice(page, server, 'tables');
    await press(page, `${table.number}번 테이블, 기기 1대`);
    const revoke = dialog(page).getByRole('button', { name: `기기 ${device} 연결 해제` });
    await revoke.press('Enter');
    await expect(dialog(page).getByRole('button', { name: '취소' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(revoke).toBeFocused();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    const sure = dialog(page).getByRole('button', { name: '지금 해제' });
    await expect(sure).toBeFocused();
    await expect(sure).toBeEnabled();
    await page.keyboard.press('Enter');
    await expect(dialog(page).getByText('연결된 기기가 없습니다')).toBeVisible();
    await expect(dialog(page).getByRole('heading')).toBeFocused();
  });
});

test('a password that was changed without a response is explained', async ({ page, server, staff, complaints }) => {
  complaints.expect(/ERR_FAILED|Failed to load resource|422/);
  const user = await staff.call('POST', '/admin/users', { username: '지우', password: 'jiwoo1234', role: 'owner' });
  await signIn(page, `${server.base}/office#users`, { store: 'demo-store', username: '지우', password: 'jiwoo1234' });
  await page.getByRole('button', { name: '내 비밀번호 변경' }).click();
  const current = dialog(page).getByLabel('현재 비밀번호');
  await current.fill('jiwoo1234');
  await dialog(page).getByLabel('새 비밀번호').fill('jiwoo5678');
  await page.route('**/api/v1/admin/auth/password', async (route) => {
    await route.fetch();
    await route.abort();
  }, { times: 1 });
  await save(page).click();
  await expect(dialog(page).getByRole('alert')).toContainText('서버에 연결할 수 없습니다');
  await save(page).click();
  await expect(current).toHaveAccessibleDescription('현재 비밀번호가 아닙니다');
  await expect(dialog(page).getByRole('alert')).toContainText('이미 바뀌었을 수 있습니다');
  await current.fill('jiwoo5678');
  await save(page).click();
  await expect(dialog(page)).toHaveCount(0);
  await staff.call('DELETE', `/admin/users/${user.id}`);
});

test.describe('data that cannot be read again', () => {
  test('stays in place below a notice', async ({ page, server, staff, complaints }) => {
    complaints.expect(/400/);
    const item = await staff.newItem('오래된 국수', 7_000);
    await openOffice(page, server);
    const before = await places(page);
    const notice = page.getByRole('alert');
    // The page does not repeat such a request by itself.
    await page.route('**/api/v1/admin/menus', (route) => route.fulfill({ status: 400, json: { error: { code: 'MALFORMED_REQUEST', message: '' } } }));
    await staff.changeItem(item, { price: 7_700 });
    await expect(notice).toContainText('메뉴를 불러오지 못했습니다');
    await expect(notice).toContainText('최신이 아닐 수 있습니다');
    expect(await places(page)).toEqual(before);
    await checkPage(page, 'the notice');
    await page.unroute('**/api/v1/admin/menus');
    await notice.getByRole('button', { name: '다시 시도' }).click();
    await expect(row(page, '오래된 국수')).toContainText('7,700원');
    await expect(notice).toHaveCount(0);
    await staff.call('DELETE', `/admin/menus/${item.id}`);
  });

  test('has a notice when its section is opened again', async ({ page, server, complaints }) => {
    complaints.expect(/500/);
    await openOffice(page, server, 'users');
    await expect(row(page, 'admin')).toBeVisible();
    await page.getByRole('link', { name: '테이블' }).click();
    await page.route('**/api/v1/admin/users', (route) => route.fulfill({ status: 500, json: { error: { code: 'INTERNAL_ERROR', message: '' } } }));
    await page.getByRole('link', { name: '계정' }).click();
    await expect(row(page, 'admin')).toBeVisible();
    await expect(page.getByRole('alert')).toContainText('최신이 아닐 수 있습니다');
    await page.unroute('**/api/v1/admin/users');
    // The page reads it again by itself.
    await expect(page.getByRole('alert')).toHaveCount(0);
  });
});
