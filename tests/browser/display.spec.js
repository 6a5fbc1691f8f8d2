// How pages look and can be used.
import { checkPage, isNotCut, isNotWide } from './support/axe.js';
import { expect, Tablet, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { settled } from './support/settled.js';

/** The places of all buttons, by name. */
const places = async (page) => {
  await settled(page);
  const all = await page.evaluate(() =>
    [...document.querySelectorAll('button')].map((button) => {
      const { x, y, width, height } = button.getBoundingClientRect();
      return [button.getAttribute('aria-label') ?? button.textContent, [x, y, width, height].map(Math.round).join()];
    }),
  );
  return new Map(all);
};

/** Checks that the buttons that were there before, and still are, have not moved. */
const hasMovedNothing = async (page, before, what) => {
  const after = await places(page);
  const kept = [...before].filter(([name]) => after.has(name));
  expect(kept.length, what).toBeGreaterThan(3);
  expect(kept.map(([name]) => [name, after.get(name)]), what).toEqual(kept);
};

test('a language switch does not reload the page', async ({ tablet, page }) => {
  let navigations = 0;
  page.on('framenavigated', () => {
    navigations += 1;
  });
  await tablet.add('콜라');
  await page.evaluate(() => {
    window.isSamePage = true;
  });
  await page.getByRole('button', { name: /Language/ }).click();
  const before = navigations;
  for (const [name, lang, title] of [['English', 'en', 'Cart'], ['日本語', 'ja', 'カート'], ['中文', 'zh', '购物车'], ['한국어', 'ko', '장바구니']]) {
    await page.getByRole('button', { name, exact: true }).click();
    await expect(tablet.cart.locator('h2')).toHaveText(title);
    await expect(page.locator('html')).toHaveAttribute('lang', lang);
  }
  expect(navigations).toBe(before);
  expect(await page.evaluate(() => window.isSamePage)).toBe(true);
});

test('an order can be placed with the keyboard alone', async ({ tablet, page, staff, table }) => {
  const tabTo = async (name) => {
    for (let n = 0; n < 80; n += 1) {
      await page.keyboard.press('Tab');
      const label = await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim());
      if (label === name) return;
    }
    throw new Error(`${name} is not reached by the Tab key`);
  };
  await page.evaluate(() => document.activeElement?.blur());
  await tabTo('해물파전');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toContainText('해물파전');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('해물파전');
  await tabTo('해물파전 담기');
  await page.keyboard.press('Enter');
  await tabTo('주문하기');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toContainText('이대로 주문할까요?');
  await tabTo('15,000원 주문하기');
  await expect(page.getByRole('button', { name: '15,000원 주문하기' })).toBeEnabled();
  await page.keyboard.press('Enter');
  await tablet.isPlaced();
  expect(await staff.orders(table)).toHaveLength(1);
});

for (const [width, height] of [[1280, 800], [390, 844]]) {
  test(`a change of items in the cart moves no button: ${width} pixels wide`, async ({ tablet, page, staff }) => {
    const [changed, soldOut] = [await staff.newItem('오늘의 전', 5_000), await staff.newItem('오늘의 국', 6_000)];
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const cart = page.locator('.line, .review-lines > li');
    for (const name of [changed.name, soldOut.name, '콜라']) await tablet.add(name, 2);
    await page.setViewportSize({ width, height });
    const steps = [
      [changed, { price: 5_500 }, '11,000원'],
      [soldOut, { is_available: false }, '품절'],
    ];
    const check = async (where) => {
      for (const [item, change, text] of steps) {
        const before = await places(page);
        await staff.changeItem(item, change);
        await expect(cart.filter({ hasText: item.name }).last()).toContainText(text);
        await hasMovedNothing(page, before, `${where}: ${text}`);
      }
      await staff.changeItem(changed, { price: 5_000 });
      await staff.changeItem(soldOut, { is_available: true });
      await expect(cart.filter({ hasText: soldOut.name }).last()).not.toContainText('품절');
    };
    if (width < 992) await page.getByRole('button', { name: /장바구니/ }).click();
    await check('cart');
    await page.getByRole('button', { name: '주문하기' }).click();
    await expect(page.getByRole('dialog')).toContainText('이대로 주문할까요?');
    await check('review');
    for (const { id } of [changed, soldOut]) await staff.call('DELETE', `/admin/menus/${id}`);
  });
}

test('an idle page warns for 30 seconds before it is reset', async ({ page, server, table, complaints }) => {
  await page.clock.install();
  const tablet = new Tablet(page, server.base, table, complaints);
  await tablet.pair();
  await tablet.add('콜라');
  await page.clock.runFor(245_000);
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('계속 이용하시겠어요?');
  await page.clock.runFor(21_000);
  await expect(dialog).toContainText('계속 이용하시겠어요?');
  await dialog.getByRole('button', { name: '계속 이용하기' }).click();
  await expect(tablet.line('콜라')).toBeVisible();
  await page.clock.runFor(245_000);
  await expect(dialog).toContainText('계속 이용하시겠어요?');
  await page.clock.runFor(31_000);
  await expect(dialog).toHaveCount(0);
  await expect(tablet.cart).toContainText('아직 담은 메뉴가 없습니다');
});

for (const scheme of ['light', 'dark']) {
  for (const [width, height] of [[1280, 800], [390, 844]]) {
    test(`axe-core finds no violation and no small target: ${scheme}, ${width} pixels wide`, async ({ page, server, table, complaints }) => {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      const tablet = new Tablet(page, server.base, table, complaints);
      const check = (what) => checkPage(page, what);
      await page.goto(server.base);
      await check('the choice of pages');
      await page.goto(`${server.base}/order`);
      await expect(page.getByRole('button', { name: '연결하기' })).toBeVisible();
      await check('pairing');
      await tablet.pair();
      await check('menu');
      await tablet.add('김치찌개', 2);
      await check('menu and cart');
      await page.getByRole('button', { name: '콜라', exact: true }).click();
      await check('item');
      await tablet.close();
      await page.getByRole('button', { name: /Language/ }).click();
      await check('settings');
      await tablet.close();
      if (width < 992) {
        await page.getByRole('button', { name: /장바구니/ }).click();
        await check('cart');
      }
      await page.getByRole('button', { name: '주문하기' }).click();
      await check('review');
      await page.getByRole('button', { name: /원 주문하기$/ }).click();
      await tablet.isPlaced();
      await check('placed');
      await page.getByRole('button', { name: '주문 내역 보기' }).click();
      await check('orders');
    });
  }
}

for (const [what, isLarge] of [['Korean', false], ['English with large text', true]]) {
  test(`axe-core finds no violation in rare states: ${what}`, async ({ page, server, staff, table, complaints }) => {
    complaints.expect(/401|409|ERR_FAILED/);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.clock.install();
    const check = (where) => checkPage(page, where);
    await page.goto(`${server.base}/order?store=demo-store&table=${table.number}`);
    await page.getByLabel('테이블 비밀번호').fill('wrong');
    await page.getByRole('button', { name: '연결하기' }).click();
    await expect(page.getByRole('alert')).toBeVisible();
    await check('refused pairing');
    const tablet = new Tablet(page, server.base, table, complaints);
    await tablet.pair();
    await tablet.add('콜라', 2);
    const settings = page.getByRole('button', { name: /Language/ });
    const dialog = page.getByRole('dialog');
    if (isLarge) {
      await settings.click();
      await dialog.getByRole('button', { name: '크게' }).click();
      await dialog.getByRole('button', { name: 'English', exact: true }).click();
      await expect(page.locator('html')).toHaveAttribute('lang', 'en');
      await tablet.close();
    }
    const order = async () => {
      await tablet.cart.locator('.button.primary').click();
      await dialog.locator('.button.primary').click();
    };
    const orders = '**/api/v1/customer/orders';
    await page.route(orders, (route) => (route.request().method() === 'POST' ? route.abort() : route.fallback()));
    await order();
    await expect(dialog.locator('.progress-mark.waiting .icon')).toBeVisible();
    await check('waiting order');
    await tablet.close();
    await expect(page.locator('.notice')).toBeVisible();
    await check('notice of a waiting order');
    await page.locator('.notice .button').click();
    await expect(dialog.locator('.order.waiting')).toBeVisible();
    await check('list with a waiting order');
    await page.unroute(orders);
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await expect(dialog.locator('.order.waiting')).toHaveCount(0);
    const guest = await Guest.login(server.base, table);
    for (let n = 0; n < 6; n += 1) await guest.order('김치찌개', 2, '덜 맵게 해 주세요');
    // The page shows a cancellation only of an order that it has listed.
    await expect(dialog.locator('.order')).toHaveCount(7);
    await staff.call('DELETE', `/admin/orders/${(await staff.orders(table))[0].id}`);
    await expect(dialog.locator('.order.cancelled')).toBeVisible();
    await expect(dialog.locator('.order')).toHaveCount(7);
    const { scrollHeight, clientHeight } = await dialog.locator('.dialog-body').evaluate((body) => ({ scrollHeight: body.scrollHeight, clientHeight: body.clientHeight }));
    expect(scrollHeight).toBeGreaterThan(clientHeight);
    await check('list of many orders');
    await tablet.close();
    for (const code of ['ORDER_EXPIRED', 'MENU_UNAVAILABLE']) {
      await page.getByRole('button', { name: isLarge ? /^Add 식혜/ : /^식혜 담기/ }).click();
      const json = { error: { code, message: '', details: [], request_id: '1' } };
      await page.route(orders, (route) => (route.request().method() === 'POST' ? route.fulfill({ status: 409, json }) : route.fallback()));
      await order();
      await expect(dialog.locator('.progress-mark.refused')).toBeVisible();
      await check(`order refused with ${code}`);
      await page.unroute(orders);
      await dialog.getByRole('button').last().click();
      await tablet.close();
    }
    await settings.click();
    await page.clock.fastForward('04:01');
    await expect(page.locator('.dialog.idle')).toBeVisible();
    await check('idle warning');
    await page.keyboard.press('Escape');
    await tablet.close();
    await staff.complete(table);
    await expect(page.locator('.thanks .button')).toBeEnabled();
    await check('thank-you page');
  });
}

test('a lost connection is shown until it is restored', async ({ tablet, page }) => {
  await tablet.disconnect();
  await expect(page.locator('.badge.offline')).toBeVisible();
  await tablet.reconnect();
  await expect(page.locator('.badge.live')).toBeVisible();
});

for (const [what, width, height, isLarge] of [
  ['large text on a phone', 390, 844, true],
  ['large text on a tablet', 1280, 800, true],
  ['200 % zoom on a tablet', 640, 400, false],
]) {
  test(`no text is cut off: ${what}`, async ({ page, server, table, complaints }) => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const tablet = new Tablet(page, server.base, table, complaints);
    const check = async (where) => {
      await isNotWide(page, where);
      await isNotCut(page, where);
    };
    await tablet.pair();
    const settings = page.getByRole('button', { name: /Language/ });
    if (isLarge) {
      await settings.click();
      await page.getByRole('button', { name: '크게' }).click();
      await expect(page.locator('html')).toHaveAttribute('data-text', 'large');
      await tablet.close();
    }
    await tablet.add('김치찌개', 2);
    for (const name of ['English', '日本語', '中文', '한국어']) {
      await settings.click();
      await page.getByRole('button', { name, exact: true }).click();
      await check(`settings in ${name}`);
      await tablet.close();
      await check(`menu in ${name}`);
    }
    if (width < 992) {
      await page.getByRole('button', { name: /장바구니/ }).click();
      await check('cart');
    }
    await page.getByRole('button', { name: '주문하기' }).click();
    await check('review');
    await page.getByRole('button', { name: /원 주문하기$/ }).click();
    await tablet.isPlaced();
    await page.getByRole('button', { name: '주문 내역 보기' }).click();
    await expect(page.locator('.order')).toBeVisible();
    await check('orders');
  });
}
