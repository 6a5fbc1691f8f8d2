// The menu in the office.
import { expect, test } from './support/fixtures.js';
import { arranged, count, dialog, openOffice, row } from './support/office-page.js';

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

  test('sends only the changed fields', async ({ page, server, staff }) => {
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

  test('shows the values that another user has saved, and offers a choice', async ({ page, server, staff }) => {
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

  arranged('show the name that another user has given to a category', async ({ page, server, staff, category }) => {
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

  test('shows and filters items that another user marks as sold out', async ({ page, server, staff }) => {
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

  test('a double tap on a switch changes it once, and a row stays where it is', async ({ page, server, staff }) => {
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

  test('explains at once why a category with items cannot be deleted', async ({ page, server }) => {
    await openOffice(page, server);
    await page.getByRole('button', { name: '안주 삭제' }).click();
    await expect(dialog(page)).toContainText('다른 카테고리로 옮기거나');
    await expect(dialog(page).getByRole('button', { name: '삭제', exact: true })).toHaveCount(0);
    await dialog(page).getByRole('button', { name: '닫기' }).last().click();
    await expect(dialog(page)).toHaveCount(0);
  });

  test('keeps the deletion dialog open until the response arrives', async ({ page, server, staff }) => {
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

  test('accepts full-width digits in a price, and shows the highest price', async ({ page, server, staff }) => {
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
