import { checkPage, isNotCut, isNotWide } from './support/axe.js';
import { expect, Tablet, test } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { settled } from './support/settled.js';
import { signIn } from './support/sign-in.js';
import { pausedTaps } from './support/taps.js';

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

test('a menu update moves nothing and keeps the open dialog and its input', async ({ tablet, page, staff }) => {
  await tablet.add('콜라');
  await tablet.cart.getByLabel('요청 사항').fill('얼음 많이');
  const item = await staff.newItem('새 메뉴', 3_000);
  await page.getByRole('button', { name: '음료·주류' }).click();
  await page.getByRole('button', { name: '식혜', exact: true }).click();
  await expect(page.getByRole('dialog')).toContainText('식혜');
  const scrolled = await page.evaluate(() => scrollY);
  const { menu_version } = await page.evaluate(async () => {
    const { token } = JSON.parse(localStorage.getItem('tableorder.guest.device'));
    return (await fetch('/api/v1/customer/menu', { headers: { Authorization: `Bearer ${token}` } })).json();
  });
  await staff.changeItem(item, { price: 3_500 });
  await page.waitForFunction((version) => JSON.parse(localStorage.getItem('tableorder.guest.menu')).version > version, menu_version);
  await expect(page.getByRole('dialog')).toContainText('식혜');
  expect(await page.evaluate(() => scrollY)).toBe(scrolled);
  await expect(tablet.cart.getByLabel('요청 사항')).toHaveValue('얼음 많이');
  await staff.call('DELETE', `/admin/menus/${item.id}`);
});

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

test('a page of an old build reloads when it is idle', async ({ page, server, table, complaints }) => {
  await page.clock.install();
  const tablet = new Tablet(page, server.base, table, complaints);
  const asked = page.waitForRequest((request) => request.method() === 'HEAD');
  await page.route('**/order', async (route) => {
    if (route.request().method() !== 'HEAD') return route.fallback();
    return route.fulfill({ status: 200, headers: { 'x-build': 'another' } });
  });
  await tablet.pair();
  await asked;
  await tablet.add('콜라');
  let loads = 0;
  page.on('domcontentloaded', () => {
    loads += 1;
  });
  await page.clock.runFor(50_000);
  expect(loads).toBe(0);
  const loaded = page.waitForEvent('domcontentloaded');
  await page.clock.runFor(15_000);
  await loaded;
  await tablet.isReady();
  await expect(tablet.line('콜라')).toBeVisible();
});

for (const [what, statuses, isReloaded] of [
  ['it has just reloaded', [200], true],
  ['the server returns an error', [503], false],
  ['the server fails before the reload', [200, 503], false],
]) {
  test(`an old page checks again later if ${what}`, async ({ page, server, table, complaints }) => {
    complaints.expect(/Failed to load resource/);
    await page.clock.install();
    if (isReloaded) await page.addInitScript(() => sessionStorage.setItem('tableorder.reloaded_at', String(Date.now())));
    let asked = 0;
    await page.route('**/order', async (route) => {
      if (route.request().method() !== 'HEAD') return route.fallback();
      asked += 1;
      return route.fulfill({ status: statuses[asked - 1] ?? 200, headers: { 'x-build': 'another' } });
    });
    const tablet = new Tablet(page, server.base, table, complaints);
    await tablet.pair();
    await expect.poll(() => asked).toBe(1);
    // Prevent the check that the page makes when its stream connects.
    await page.route('**/orders/stream', (route) => route.abort());
    await page.clock.runFor(61_000);
    await expect.poll(() => asked).toBe(statuses.length);
    await settled(page);
    const loaded = page.waitForEvent('domcontentloaded');
    await page.clock.fastForward(600_000);
    await loaded;
  });
}

test('a stream that reconnects often causes one check of the build at a time', async ({ page, server, complaints }) => {
  complaints.expect(/ERR_FAILED/);
  await signIn(page, `${server.base}/staff`);
  let checks = 0;
  let release;
  const isReleased = new Promise((resolve) => {
    release = resolve;
  });
  await page.route('**/staff', async (route) => {
    if (route.request().method() !== 'HEAD') return route.fallback();
    checks += 1;
    await isReleased;
    await route.continue();
  });
  for (let n = 0; n < 8; n += 1) {
    const connected = page.waitForResponse('**/admin/orders/stream');
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await connected;
    await expect(page.locator('.badge.live')).toBeVisible();
  }
  expect(checks).toBe(1);
  release();
});

test('a double tap on a table of the staff page leaves its dialog open', async ({ page, server, complaints }) => {
  void complaints;
  await signIn(page, `${server.base}/staff`);
  // The dialog does not cover the first card: the second tap is beside it.
  const card = page.getByRole('button', { name: /^\d+번 테이블$/ }).first();
  const tap = await pausedTaps(page, card);
  await tap();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toBeVisible();
  await page.clock.runFor(400);
  await tap();
  await expect(dialog).toBeVisible();
});

test('a double tap that closes a dialog does nothing on the page below', async ({ page, server, table, complaints }) => {
  void complaints;
  await signIn(page, `${server.base}/staff`);
  await page.getByRole('button', { name: `${table.number}번 테이블`, exact: true }).click();
  const dialog = page.getByRole('dialog');
  const tap = await pausedTaps(page, dialog.getByRole('button', { name: '닫기' }));
  await tap();
  await expect(dialog).toHaveCount(0);
  await page.evaluate(() => {
    window.taps = 0;
    document.addEventListener('click', () => (window.taps += 1));
  });
  await page.clock.runFor(400);
  await tap();
  expect(await page.evaluate(() => window.taps)).toBe(0);
  await page.clock.runFor(200);
  await tap();
  expect(await page.evaluate(() => window.taps)).toBe(1);
});

test('two quick taps on the decrease button do not remove the item', async ({ tablet }) => {
  await tablet.add('콜라', 2);
  const fewer = tablet.line('콜라').getByRole('button', { name: '콜라 하나 빼기' });
  await fewer.evaluate((element) => {
    element.click();
    setTimeout(() => element.click(), 100);
  });
  await expect(tablet.line('콜라').locator('output')).toHaveText('1');
  await tablet.line('콜라').getByRole('button', { name: '콜라 삭제' }).click({ delay: 600 });
  await expect(tablet.line('콜라')).toHaveCount(0);
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
