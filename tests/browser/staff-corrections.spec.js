// Corrections by staff: sold-out switches, cancellations and their undo, past orders.
import { expect, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { card, openTable, signIn } from './support/staff-page.js';

/** Lets the server answer requests to an address, and loses the responses. */
const loseResponses = (page, address, method) =>
  page.route(address, async (route) => {
    if (route.request().method() !== method) return route.fallback();
    await route.fetch();
    return route.abort();
  });

const openMenu = async (page) => {
  await page.getByRole('button', { name: '품절 관리' }).click();
  return page.getByRole('dialog', { name: '품절 관리' });
};

test.describe('the sold-out switches of the staff page', () => {
  test('show a failed change after the dialog was closed, and not when it is opened again', async ({ page, server, staff, complaints }) => {
    complaints.expect(/ERR_FAILED|Failed to load resource/);
    const item = await staff.newItem('도토리묵', 9_000);
    await signIn(page, server.base);
    const dialog = await openMenu(page);
    let fail;
    await page.route(`**/api/v1/admin/menus/${item.id}`, (route) => {
      fail = () => route.abort();
    });
    await dialog.getByRole('switch', { name: '도토리묵 판매' }).click();
    await expect.poll(() => fail).toBeTruthy();
    await page.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);
    await fail();
    await expect(page.locator('.toast')).toContainText('도토리묵: 바꾸지 못해');
    await openMenu(page);
    await expect(dialog.getByRole('switch', { name: '도토리묵 판매' })).toHaveText('판매 중');
    await expect(dialog.getByRole('alert')).toHaveCount(0);
    await staff.call('DELETE', `/admin/menus/${item.id}`);
  });

  test('report no failure if the change was made and its response lost', async ({ page, server, staff, complaints }) => {
    complaints.expect(/ERR_FAILED|Failed to load resource/);
    const item = await staff.newItem('도라지무침', 9_000);
    await signIn(page, server.base);
    const dialog = await openMenu(page);
    await loseResponses(page, `**/api/v1/admin/menus/${item.id}`, 'PATCH');
    const available = dialog.getByRole('switch', { name: '도라지무침 판매' });
    await available.click();
    await expect(available).not.toHaveAttribute('aria-busy', 'true');
    await expect(available).toHaveText('품절');
    await expect(dialog.getByRole('alert')).toHaveCount(0);
    // The menu cannot be read either, until the server is back.
    await page.route('**/api/v1/admin/menus', (route) => route.abort());
    await available.click();
    await expect(dialog.getByRole('alert')).toContainText('도라지무침: 바꾸지 못해');
    await page.unroute('**/api/v1/admin/menus');
    await expect(available).toHaveText('판매 중');
    await expect(dialog.getByRole('alert')).toHaveCount(0);
    await staff.call('DELETE', `/admin/menus/${item.id}`);
  });

  test('can be searched, and include items whose category is not loaded yet', async ({ page, server, staff }) => {
    const category = await staff.newCategory('제철 나물', ['곤드레밥', '취나물']);
    // The categories are of an older menu version than the items.
    await page.route('**/api/v1/admin/categories', async (route) => {
      const response = await route.fetch();
      const { categories } = await response.json();
      return route.fulfill({ json: { categories: categories.filter(({ id }) => id !== category.id) } });
    });
    await signIn(page, server.base);
    const dialog = await openMenu(page);
    const rest = dialog.getByRole('region', { name: '기타' });
    await expect(rest.getByRole('switch')).toHaveCount(2);
    await dialog.getByLabel('메뉴 검색').fill(' 곤드레 ');
    await expect(dialog.getByRole('switch')).toHaveCount(1);
    const available = rest.getByRole('switch', { name: '곤드레밥 판매' });
    await available.click();
    await expect(available).toHaveText('품절');
    await dialog.getByLabel('메뉴 검색').fill('없는 메뉴');
    await expect(dialog.getByText('조건에 맞는 메뉴가 없습니다')).toBeVisible();
    await staff.deleteCategory(category);
  });
});

test.describe('a cancellation on the staff page', () => {
  test('is known as made here if its response is lost, and can be undone', async ({ page, server, staff, table, complaints }) => {
    complaints.expect(/ERR_FAILED|Failed to load resource/);
    const { id } = await (await Guest.login(server.base, table)).order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    await loseResponses(page, `**/api/v1/admin/orders/${id}?*`, 'DELETE');
    await dialog.getByRole('button', { name: '주문 취소' }).click();
    await dialog.getByLabel('취소 사유').fill('손님 요청');
    await dialog.getByRole('button', { name: '주문 취소하기' }).click();
    await expect(dialog.locator('.gone-actions [role=status]')).toHaveText(/^주문 \d+ 취소됨$/);
    await expect(dialog.getByRole('alert')).toHaveCount(0);
    await dialog.getByRole('button', { name: '되돌리기' }).click();
    await expect(dialog.getByRole('button', { name: '주문 취소' })).toBeVisible();
    expect(await staff.orders(table)).toHaveLength(1);
    // Another user cancels it now.
    await staff.call('DELETE', `/admin/orders/${id}`);
    await expect(dialog.locator('.gone-actions')).toContainText('다른 직원이 취소한 주문입니다');
    await expect(dialog.getByRole('button', { name: '되돌리기' })).toHaveCount(0);
  });

  test('offers an undo after its dialog was closed and its response lost', async ({ page, server, staff, table, complaints }) => {
    complaints.expect(/ERR_FAILED|Failed to load resource/);
    const { id } = await (await Guest.login(server.base, table)).order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    let answer;
    await page.route(`**/api/v1/admin/orders/${id}?*`, (route) => {
      answer = async () => {
        await route.fetch();
        await expect(page.locator('.undo-bar')).toContainText('취소됨');
        await route.abort();
      };
    });
    await dialog.getByRole('button', { name: '주문 취소' }).click();
    await dialog.getByLabel('취소 사유').fill('손님 요청');
    await dialog.getByRole('button', { name: '주문 취소하기' }).click();
    await expect.poll(() => answer).toBeTruthy();
    await page.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);
    await answer();
    await page.locator('.undo-bar').getByRole('button', { name: '되돌리기' }).click();
    await expect(page.locator('.toast')).toHaveText('되돌렸습니다');
    expect(await staff.orders(table)).toHaveLength(1);
    await openTable(page, table);
    await expect(dialog.getByRole('button', { name: '주문 취소' })).toBeVisible();
  });

  test('is not shown as made here if another user was faster', async ({ page, server, staff, table, complaints }) => {
    complaints.expect(/404/);
    const { id } = await (await Guest.login(server.base, table)).order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    let send;
    await page.route(`**/api/v1/admin/orders/${id}?*`, (route) => {
      send = () => route.fallback();
    });
    await dialog.getByRole('button', { name: '주문 취소' }).click();
    await dialog.getByLabel('취소 사유').fill('손님 요청');
    await dialog.getByRole('button', { name: '주문 취소하기' }).click();
    await expect.poll(() => send).toBeTruthy();
    await staff.call('DELETE', `/admin/orders/${id}`);
    await expect(dialog.locator('.gone-actions')).toBeVisible();
    const refused = page.waitForResponse((response) => response.status() === 404);
    await send();
    await refused;
    await expect(dialog.locator('.gone-actions')).toContainText('다른 직원이 취소한 주문입니다');
    await expect(dialog).toContainText('입력하시던 취소 사유는 저장되지 않았습니다');
    await expect(dialog.getByRole('button', { name: '되돌리기' })).toHaveCount(0);
    await expect(page.locator('.undo-bar')).toHaveCount(0);
  });

  test('is not shown for orders of a party that another user completes', async ({ page, server, staff, table }) => {
    const { id } = await (await Guest.login(server.base, table)).order();
    for (const status of ['preparing', 'completed']) await staff.call('PATCH', `/admin/orders/${id}/status`, { status });
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    // The orders are read before the tables.
    await page.route('**/api/v1/admin/tables/dashboard', () => {});
    await staff.complete(table);
    await expect(dialog.locator('.gone-actions')).toHaveText('처리가 끝난 주문입니다');
  });

  test('can be undone for an order of an earlier party', async ({ page, server, staff, table }) => {
    const { id } = await (await Guest.login(server.base, table)).order();
    await staff.complete(table);
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    for (const isOpen of [true, false]) {
      await dialog.getByRole('button', { name: '주문 취소' }).click();
      await dialog.getByRole('button', { name: '주문 취소하기' }).click();
      await expect(dialog.locator('.gone-actions')).toContainText('취소됨');
      expect(await staff.orders(table)).toEqual([]);
      if (!isOpen) await page.keyboard.press('Escape');
      await (isOpen ? dialog : page.locator('.undo-bar')).getByRole('button', { name: '되돌리기' }).click();
      await expect(card(page, table)).toContainText('미완료 1건 (이전 손님)');
      expect((await staff.orders(table)).map((order) => order.id)).toEqual([id]);
      if (isOpen) await expect(dialog.getByRole('button', { name: '주문 취소' })).toBeVisible();
    }
  });

  test('cannot be undone after the session was completed', async ({ page, server, staff, table }) => {
    const guest = await Guest.login(server.base, table);
    const { id } = await guest.order();
    await guest.order();
    await signIn(page, server.base);
    const dialog = await openTable(page, table);
    const order = dialog.locator('.order').last();
    await order.getByRole('button', { name: '주문 취소' }).click();
    await order.getByRole('button', { name: '주문 취소하기' }).click();
    await expect(order.getByRole('button', { name: '되돌리기' })).toBeVisible();
    await staff.complete(table);
    await expect(order.getByRole('button', { name: '되돌리기' })).toHaveCount(0);
    await expect(order).toContainText('취소됨');
    await expect(staff.call('POST', `/admin/orders/${id}/restore`)).rejects.toThrow('SESSION_ENDED');
  });
});

test('the past orders stay when more of them cannot be loaded, and continue when the server is back', async ({ page, server, table, complaints }) => {
  complaints.expect(/ERR_FAILED|Failed to load resource/);
  await page.clock.install();
  const past = (id) => ({
    id, order_number: `20260105-${1000 + id}`, status: 'completed', ordered_at: '2026-01-05T03:00:00Z', completed_at: '2026-01-05T04:00:00Z',
    session_id: id, total_amount: 9_000, items: [], items_json: '[]',
  });
  const pages = { first: [20, 'second'], second: [40, 'third'], third: [60, null] };
  let isOffline = false;
  await page.route('**/history?*', (route) => {
    if (isOffline) return route.abort();
    const cursor = new URL(route.request().url()).searchParams.get('cursor') ?? 'first';
    const [last, next] = pages[cursor];
    return route.fulfill({ json: { orders: Array.from({ length: 20 }, (_, n) => past(last - n)), next_cursor: next } });
  });
  await signIn(page, server.base);
  await (await openTable(page, table, false)).getByRole('button', { name: '지난 주문' }).click();
  const dialog = page.getByRole('dialog', { name: '지난 주문' });
  const orders = dialog.getByText(/^주문 10\d\d/);
  await dialog.getByRole('button', { name: '더 보기' }).click();
  await expect(orders).toHaveCount(40);
  isOffline = true;
  await dialog.getByRole('button', { name: '더 보기' }).click();
  await expect(dialog.getByRole('alert')).toBeInViewport();
  await expect(orders).toHaveCount(40);
  isOffline = false;
  await page.clock.fastForward(5_000);
  await expect(orders).toHaveCount(60);
  await expect(dialog.getByRole('alert')).toHaveCount(0);
});

test('the buttons of an order can be used with the keyboard', async ({ page, server, staff, table }) => {
  await (await Guest.login(server.base, table)).order();
  await signIn(page, server.base);
  const dialog = await openTable(page, table);
  const button = (name) => dialog.getByRole('button', { name, exact: true });
  /** Presses the focused button after its guard against double taps. */
  const press = async (name) => {
    await expect(button(name)).toBeFocused();
    await expect(button(name)).toBeEnabled();
    await page.keyboard.press('Enter');
  };
  await button('준비 시작').focus();
  await press('준비 시작');
  await press('완료');
  await press('주문 취소');
  await expect(dialog.getByLabel('취소 사유')).toBeFocused();
  await page.keyboard.press('Tab');
  await press('돌아가기');
  await press('주문 취소');
  await expect(dialog.getByLabel('취소 사유')).toBeFocused();
  await page.keyboard.type('잘못 입력');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await press('주문 취소하기');
  await press('되돌리기');
  await expect(button('주문 취소')).toBeFocused();
  expect((await staff.orders(table)).map(({ status }) => status)).toEqual(['completed']);
});

test('a tap on the button that cancels an order does not open the keyboard of a tablet', async ({ page, server, table }) => {
  await (await Guest.login(server.base, table)).order();
  await signIn(page, server.base);
  const dialog = await openTable(page, table);
  await dialog.getByRole('button', { name: '주문 취소' }).click();
  await expect(dialog.getByRole('button', { name: '돌아가기' })).toBeFocused();
});

test('a new order keeps the focus on the button that completes a table', async ({ page, server, table }) => {
  const guest = await Guest.login(server.base, table);
  await guest.order();
  await signIn(page, server.base);
  await (await openTable(page, table)).getByRole('button', { name: '이용 완료' }).click();
  const dialog = page.getByRole('dialog', { name: /이용 완료/ });
  const complete = dialog.getByRole('button', { name: '이용 완료' });
  await complete.focus();
  await guest.order('식혜');
  await expect(dialog.locator('.total')).toContainText('주문 2건');
  await expect(complete).toBeFocused();
});
