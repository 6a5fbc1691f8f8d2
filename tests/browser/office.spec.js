import { checkPage } from './support/axe.js';
import { expect, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { arranged, count, dialog, endLogin, openOffice, row } from './support/office-page.js';
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

test.describe('the menu in the office', () => {
  test('shows an added and a changed item to guests within two seconds', async ({ tablet, page, context, server, staff }) => {
    void tablet;
    const touchedAt = Date.now();
    const office = await context.newPage();
    await openOffice(office, server);
    await office.getByRole('button', { name: '식사에 메뉴 추가' }).click();
    await dialog(office).getByLabel('메뉴 이름').fill('봄나물전');
    await dialog(office).getByLabel('가격').fill('12,000');
    await dialog(office).getByLabel('설명').fill('봄에만 팝니다.');
    // New items are shown when nobody has touched the guest page for two seconds.
    await expect.poll(() => Date.now() - touchedAt).toBeGreaterThan(2_000);
    await dialog(office).getByRole('button', { name: '저장', exact: true }).click();
    const card = page.locator('.card', { hasText: '봄나물전' });
    await expect(card).toContainText('12,000원', { timeout: 2_000 });
    await expect(row(office, '봄나물전')).toContainText('12,000원');
    await office.getByRole('button', { name: '봄나물전 수정' }).click();
    await dialog(office).getByLabel('가격').fill('13500');
    await dialog(office).getByRole('button', { name: '저장', exact: true }).click();
    await expect(card).toContainText('13,500원', { timeout: 2_000 });
    await office.getByRole('switch', { name: '봄나물전 판매' }).click();
    await expect(card).toContainText('품절', { timeout: 2_000 });
    await office.getByRole('button', { name: '봄나물전 삭제' }).click();
    await dialog(office).getByRole('button', { name: '삭제', exact: true }).click();
    await expect(row(office, '봄나물전')).toHaveCount(0);
    const { menus } = await staff.call('GET', '/admin/menus');
    expect(menus.some(({ name }) => name === '봄나물전')).toBe(false);
  });

  test('adds an item once if the first response is lost', async ({ page, server, staff, complaints }) => {
    complaints.expect(/ERR_FAILED|Failed to load resource/);
    await openOffice(page, server);
    await page.getByRole('button', { name: '식사에 메뉴 추가' }).click();
    await dialog(page).getByLabel('메뉴 이름').fill('감자전');
    await dialog(page).getByLabel('가격').fill('9000');
    let isLost = true;
    await page.route('**/api/v1/admin/menus', async (route) => {
      if (route.request().method() !== 'POST' || !isLost) return route.fallback();
      isLost = false;
      await route.fetch();
      await route.abort();
    });
    const save = dialog(page).getByRole('button', { name: '저장', exact: true });
    await save.click();
    await expect(dialog(page).getByRole('alert')).toContainText('서버에 연결할 수 없습니다');
    await save.click();
    await expect(dialog(page)).toHaveCount(0);
    await expect(row(page, '감자전')).toHaveCount(1);
    const { menus } = await staff.call('GET', '/admin/menus');
    const added = menus.filter(({ name }) => name === '감자전');
    expect(added).toHaveLength(1);
    await staff.call('DELETE', `/admin/menus/${added[0].id}`);
  });

  test('sends only the changed fields', async ({ page, server, staff, complaints }) => {
    void complaints;
    const item = await staff.newItem('오늘의 국', 4_000, { description: '그날그날 다릅니다.' });
    await openOffice(page, server);
    await page.getByRole('button', { name: '오늘의 국 수정' }).click();
    const sent = count(page, 'PATCH', `/admin/menus/${item.id}`);
    await staff.changeItem(item, { price: 4_500 });
    await dialog(page).getByLabel('설명').fill('');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page)).toHaveCount(0);
    expect(sent).toEqual([{ description: null }]);
    await expect(row(page, '오늘의 국')).toContainText('4,500원');
    await page.getByRole('button', { name: '오늘의 국 수정' }).click();
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page)).toHaveCount(0);
    expect(sent).toHaveLength(1);
    await staff.call('DELETE', `/admin/menus/${item.id}`);
    await expect(page.locator('li[inert]')).toContainText('오늘의 국');
  });

  test('shows the values that another user has saved, and offers a choice', async ({ page, server, staff, complaints }) => {
    void complaints;
    const item = await staff.newItem('두 화면 국수', 7_000);
    await openOffice(page, server);
    await page.getByRole('button', { name: '두 화면 국수 수정' }).click();
    const sent = count(page, 'PATCH', `/admin/menus/${item.id}`);
    const price = dialog(page).getByLabel('가격 (원)', { exact: true });
    const save = dialog(page).getByRole('button', { name: '저장', exact: true });
    await price.fill('7500');
    await staff.changeItem(item, { price: 8_000, description: '곱빼기 가능' });
    await save.click();
    await expect(price).toBeFocused();
    await expect(price).toHaveAccessibleDescription(/다른 곳에서 바뀌었습니다.*저장된 값: 8000/);
    await expect(dialog(page).getByRole('alert')).toContainText('다시 저장하면');
    await expect(dialog(page).getByLabel('설명')).toHaveValue('곱빼기 가능');
    expect(sent).toEqual([]);
    await save.click();
    await expect(dialog(page)).toHaveCount(0);
    expect(sent).toEqual([{ price: 7_500 }]);

    await page.getByRole('button', { name: '두 화면 국수 수정' }).click();
    await price.fill('9000');
    await staff.changeItem(item, { price: 8_500 });
    await save.click();
    await dialog(page).getByRole('button', { name: '가격 (원), 저장된 값 사용' }).click();
    await expect(price).toHaveValue('8500');
    await save.click();
    await expect(dialog(page)).toHaveCount(0);
    expect(sent).toHaveLength(1);
    await expect(row(page, '두 화면 국수')).toContainText('8,500원');
    await staff.call('DELETE', `/admin/menus/${item.id}`);
  });

  arranged('show the name that another user has given to a category', async ({ page, server, staff, category, complaints }) => {
    void complaints;
    await openOffice(page, server);
    await page.getByRole('button', { name: `${category.name} 이름 변경` }).click();
    const name = dialog(page).getByLabel('카테고리 이름', { exact: true });
    await name.fill(`${category.name} 나`);
    await staff.call('PATCH', `/admin/categories/${category.id}`, { name: `${category.name} 가` });
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(name).toHaveAccessibleDescription(new RegExp(`저장된 값: ${category.name} 가`));
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(page.getByRole('heading', { name: `${category.name} 나` })).toBeVisible();
  });

  test('changes a switch at once, and back with a message if it fails', async ({ page, server, staff, complaints }) => {
    complaints.expect(/ERR_FAILED|Failed to load resource/);
    await openOffice(page, server);
    const available = page.getByRole('switch', { name: '식혜 판매' });
    await expect(available).toHaveAttribute('aria-checked', 'true');
    let answer;
    await page.route('**/api/v1/admin/menus/*', (route) => {
      answer = () => route.abort();
    });
    await available.click();
    await expect(available).toHaveAttribute('aria-checked', 'false');
    await expect(row(page, '식혜').first()).toContainText('품절');
    await expect.poll(() => answer).toBeTruthy();
    await answer();
    await expect(available).toHaveAttribute('aria-checked', 'true');
    await expect(page.getByRole('alert')).toContainText('식혜: 바꾸지 못해 이전 상태로 되돌렸습니다');
    await expect(page.getByRole('alert')).toContainText('서버에 연결할 수 없습니다');
    await page.unroute('**/api/v1/admin/menus/*');
    await available.click();
    await expect(page.getByRole('alert')).toHaveCount(0);
    await expect.poll(async () => (await staff.call('GET', '/admin/menus')).menus.find(({ name }) => name === '식혜').is_available).toBe(false);
    await available.click();
    await expect.poll(async () => (await staff.call('GET', '/admin/menus')).menus.find(({ name }) => name === '식혜').is_available).toBe(true);
  });

  test('shows and filters items that another user marks as sold out', async ({ page, server, staff, complaints }) => {
    void complaints;
    const item = await staff.newItem('굴국밥 특', 11_000, { description: '겨울 한정' });
    await page.clock.install();
    await openOffice(page, server);
    await page.getByLabel('메뉴 검색').fill('한정 굴');
    await expect(page.locator('.row')).toHaveCount(1);
    await expect(page.locator('.group-head h3')).toHaveText(/^\S+ \d+개 중 1개$/);
    await page.getByRole('button', { name: '품절만 보기' }).click();
    await expect(page.getByText('조건에 맞는 메뉴가 없습니다')).toBeVisible();
    await page.clock.fastForward(60_000);
    await staff.changeItem(item, { is_available: false });
    await expect(row(page, '굴국밥 특')).toContainText('품절');
    await page.getByLabel('표시할 카테고리').selectOption({ label: '안주' });
    await page.getByRole('button', { name: '모두 보기' }).click();
    await expect(row(page, '김치찌개')).toBeVisible();
    await staff.call('DELETE', `/admin/menus/${item.id}`);
  });

  test('a double tap on a switch changes it once, and a row stays where it is', async ({ page, server, staff, complaints }) => {
    void complaints;
    const items = [];
    for (const name of ['가지볶음', '나물비빔밥']) items.push(await staff.newItem(name, 9_000, { is_available: false }));
    await openOffice(page, server);
    await page.getByRole('button', { name: '품절만 보기' }).click();
    const first = row(page, '가지볶음').getByRole('switch');
    await expect(first).toHaveAttribute('aria-checked', 'false');
    const { x, y, width, height } = await first.boundingBox();
    await page.evaluate(() => (window.mayTapTwice = true));
    await page.mouse.click(x + width / 2, y + height / 2);
    await page.mouse.click(x + width / 2, y + height / 2);
    await expect(first).toHaveAttribute('aria-checked', 'true');
    await expect(first).not.toHaveAttribute('aria-busy', 'true');
    const sold = (await staff.call('GET', '/admin/menus')).menus.filter(({ name }) => items.some((item) => item.name === name));
    expect(sold.map(({ name, is_available }) => [name, is_available]).sort()).toEqual([['가지볶음', true], ['나물비빔밥', false]]);
    expect(await first.boundingBox()).toEqual({ x, y, width, height });
    await page.getByRole('button', { name: '품절만 보기' }).click();
    await page.getByRole('button', { name: '품절만 보기' }).click();
    await expect(row(page, '나물비빔밥')).toBeVisible();
    await expect(row(page, '가지볶음')).toHaveCount(0);
    for (const { id } of items) await staff.call('DELETE', `/admin/menus/${id}`);
  });

  test('shows a duplicate name beside its field', async ({ page, server, complaints }) => {
    complaints.expect(/409/);
    await openOffice(page, server);
    await page.getByRole('button', { name: '카테고리 추가' }).click();
    const name = dialog(page).getByLabel('카테고리 이름');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(name).toBeFocused();
    await expect(name).toHaveAccessibleDescription('입력해 주세요');
    await name.fill('안주');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(name).toHaveAccessibleDescription('같은 이름의 카테고리가 이미 있습니다');
    await expect(name).toBeFocused();
    await expect(name).toHaveAttribute('aria-invalid', 'true');
    await name.press('End');
    await name.pressSequentially(' 특선');
    await expect(name).not.toHaveAttribute('aria-invalid');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(page.getByRole('heading', { name: /^안주 특선/ })).toBeVisible();
    await page.getByRole('button', { name: '안주 특선 삭제' }).click();
    await dialog(page).getByRole('button', { name: '삭제', exact: true }).click();
    await expect(page.getByRole('heading', { name: /^안주 특선/ })).toHaveCount(0);
  });

  test('shows an error of the server beside its field', async ({ page, server, complaints }) => {
    complaints.expect(/422/);
    await openOffice(page, server);
    await page.getByRole('button', { name: '식사에 메뉴 추가' }).click();
    await dialog(page).getByLabel('메뉴 이름').fill('가'.repeat(101));
    await dialog(page).getByLabel('가격').fill('천 원');
    await dialog(page).getByLabel('사진 주소').fill('picture.png');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page).getByLabel('가격')).toBeFocused();
    await expect(dialog(page).getByLabel('사진 주소')).toHaveAccessibleDescription(/http 또는 https로 시작하는/);
    await dialog(page).getByLabel('가격').fill('1000');
    await dialog(page).getByLabel('사진 주소').fill('');
    await dialog(page).getByRole('button', { name: '저장', exact: true }).click();
    await expect(dialog(page).getByLabel('메뉴 이름')).toBeFocused();
    await expect(dialog(page).getByLabel('메뉴 이름')).toHaveAccessibleDescription(/1자 이상 100자 이하로 입력해 주세요/);
  });

  test('previews a picture, or shows that it cannot be loaded', async ({ page, server, complaints }) => {
    complaints.expect(/404/);
    await openOffice(page, server);
    await page.getByRole('button', { name: '콜라 수정' }).click();
    const address = dialog(page).getByLabel('사진 주소');
    await address.fill(`${server.base}/assets/0/icons/icon.svg`);
    await expect(dialog(page).locator('.preview img')).toBeVisible();
    await address.fill(`${server.base}/assets/0/icons/none.svg`);
    await expect(dialog(page)).toContainText('사진을 불러오지 못했습니다');
  });

  test('explains at once why a category with items cannot be deleted', async ({ page, server, complaints }) => {
    void complaints;
    await openOffice(page, server);
    await page.getByRole('button', { name: '안주 삭제' }).click();
    await expect(dialog(page)).toContainText('다른 카테고리로 옮기거나');
    await expect(dialog(page).getByRole('button', { name: '삭제', exact: true })).toHaveCount(0);
    await dialog(page).getByRole('button', { name: '닫기' }).last().click();
    await expect(dialog(page)).toHaveCount(0);
  });

  test('keeps the deletion dialog open until the response arrives', async ({ page, server, staff, complaints }) => {
    void complaints;
    const item = await staff.newItem('배추전', 8_000);
    await openOffice(page, server);
    await page.getByRole('button', { name: '배추전 삭제' }).click();
    let answer;
    await page.route(`**/api/v1/admin/menus/${item.id}`, (route) => {
      answer = () => route.continue();
    });
    const asked = page.waitForRequest((request) => request.method() === 'DELETE');
    await dialog(page).getByRole('button', { name: '삭제', exact: true }).click();
    await asked;
    await expect(dialog(page).getByRole('button', { name: '취소' })).toBeDisabled();
    await page.keyboard.press('Escape');
    await dialog(page).getByRole('button', { name: '닫기' }).click();
    await expect(dialog(page)).toBeVisible();
    await answer();
    await expect(dialog(page)).toHaveCount(0);
    await expect(row(page, '배추전')).toHaveCount(0);
  });

  test('accepts full-width digits in a price, and shows the highest price', async ({ page, server, staff, complaints }) => {
    void complaints;
    await openOffice(page, server);
    await page.getByRole('button', { name: '메뉴 추가', exact: true }).first().click();
    await dialog(page).getByLabel('메뉴 이름').fill('전각 만두');
    const price = dialog(page).getByLabel('가격 (원)');
    const save = dialog(page).getByRole('button', { name: '저장', exact: true });
    await price.fill('99999999999');
    await save.click();
    await expect(price).toHaveAccessibleDescription('100,000,000원까지 입력할 수 있습니다');
    await price.fill('６，５００원');
    await save.click();
    await expect(row(page, '전각 만두')).toContainText('6,500원');
    const { menus } = await staff.call('GET', '/admin/menus');
    await staff.call('DELETE', `/admin/menus/${menus.find(({ name }) => name === '전각 만두').id}`);
  });
});

arranged.describe('the order of items', () => {
  arranged('is changed by the keyboard with one request and survives a reload', async ({ page, server, staff, category, complaints }) => {
    void complaints;
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

  arranged('moves one item at two quick taps, and the next one at a later tap', async ({ page, server, category, complaints }) => {
    void complaints;
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

  arranged('is changed by dragging', async ({ page, server, staff, category, complaints }) => {
    void complaints;
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

  arranged('is changed by dragging with a finger', async ({ page, server, staff, category, complaints }) => {
    void complaints;
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

test.describe('a form in the office', () => {
  test('warns before unsaved input is lost', async ({ page, server, complaints }) => {
    void complaints;
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

test.describe('tables in the office', () => {
  test('are added together, and existing ones are skipped', async ({ page, server, staff, complaints }) => {
    void complaints;
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

  test('get a new password, which unpairs their tablets', async ({ page, server, table, complaints }) => {
    void complaints;
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

  test('show their devices, and disconnect one of them', async ({ page, server, table, complaints }) => {
    void complaints;
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

test.describe('users in the office', () => {
  test('without the role owner see an explanation', async ({ page, server, staff, complaints }) => {
    void complaints;
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

  test('can stay signed in, and sign out', async ({ page, context, server, complaints }) => {
    void complaints;
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

  test('keep the language that was chosen on the staff page', async ({ page, server, complaints }) => {
    void complaints;
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

test.describe('the change log in the office', () => {
  test('shows the user of each change, and the values before and after', async ({ page, server, staff, complaints }) => {
    void complaints;
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

  test('loads more pages without repeating an entry', async ({ page, server, staff, complaints }) => {
    void complaints;
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

test('every section of the office can be read in four languages', async ({ page, server, complaints }) => {
  void complaints;
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
