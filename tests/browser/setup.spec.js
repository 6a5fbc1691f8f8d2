import { networkInterfaces } from 'node:os';
import { checkPage } from './support/axe.js';
import { expect, test as base } from './support/fixtures.js';
import { startServer } from './support/server.js';
import { fillLogin } from './support/sign-in.js';
import { Staff } from './support/staff.js';

const test = base.extend({
  /** Starts a server that is stopped after the test, also if the test fails. */
  start: async ({ complaints }, use) => {
    const servers = [];
    await use(async (settings) => {
      const server = await startServer(settings);
      servers.push(server);
      complaints.allow(server.base);
      return server;
    });
    await Promise.all(servers.map(({ stop }) => stop()));
  },
  /** A server without a store. */
  fresh: async ({ start }, use) => {
    await use(await start({ SEED_DEMO_STORE: 'false' }));
  },
});

const WRONG = '00000-00000-00000-00000';
const PASSWORD = 'open sesame';

const heading = (page, name) => page.getByRole('heading', { level: 1, name });

async function fillStore(page) {
  await expect(heading(page, '매장 정보를 입력해 주세요')).toBeVisible();
  await page.getByLabel('매장 이름').fill('김치식당');
  await page.getByLabel('매장 코드').fill('kimchi');
  await page.getByLabel('영업일 시작 시각').selectOption('04:00');
}

async function fillOwner(page, username = 'boss') {
  await expect(heading(page, '점주 계정을 만들어 주세요')).toBeVisible();
  await page.getByLabel('아이디').fill(username);
  await page.getByLabel('비밀번호', { exact: true }).fill(PASSWORD);
  await page.getByLabel('비밀번호 확인').fill(PASSWORD);
}

async function fillTables(page) {
  await expect(heading(page, '테이블을 만들어 주세요')).toBeVisible();
  await page.getByLabel('테이블 수').fill('3');
  await page.getByLabel('테이블 비밀번호').fill('table-1234');
}

const next = (page) => page.getByRole('button', { name: '다음', exact: true }).click();
const createStore = (page) => page.getByRole('button', { name: '매장 만들기' }).click();
const createTables = (page) => page.getByRole('button', { name: '테이블 만들기' }).click();

/** Opens the address with the code and fills in all fields up to the owner's step. */
async function upToOwner(page, server, username) {
  await page.goto(`${server.base}/setup#${server.code}`);
  await fillStore(page);
  await next(page);
  await fillOwner(page, username);
}

async function loginOfOwner(server, password = PASSWORD, store = 'kimchi', username = 'boss') {
  const body = JSON.stringify({ store_id: store, username, password });
  const headers = { 'Content-Type': 'application/json' };
  return fetch(`${server.base}/api/v1/admin/auth/login`, { method: 'POST', headers, body });
}

async function isAccepted(server, token) {
  const { ok } = await fetch(`${server.base}/api/v1/admin/tables`, { headers: { Authorization: `Bearer ${token}` } });
  return ok;
}

test.describe('the set-up page', () => {
  test('refuses a wrong code, and accepts the right one typed by hand', async ({ page, fresh, complaints }) => {
    complaints.expect(/403/);
    await page.goto(`${fresh.base}/setup#${WRONG}`);
    await expect(heading(page, '코드가 올바르지 않습니다')).toBeVisible();
    expect(page.url()).toBe(`${fresh.base}/setup`);
    await page.getByRole('button', { name: '코드 직접 입력' }).click();
    await expect(heading(page, '설정 코드를 입력해 주세요')).toBeFocused();
    await page.getByLabel('설정 코드').fill(fresh.code.replaceAll('-', '').toUpperCase());
    await page.keyboard.press('Enter');
    await expect(heading(page, '매장 정보를 입력해 주세요')).toBeVisible();
  });

  test('accepts a typed or pasted code, and keeps an invalid one', async ({ page, fresh, complaints }) => {
    complaints.expect(/403/);
    await page.goto(`${fresh.base}/setup`);
    const code = page.getByLabel('설정 코드');
    const other = `${fresh.code[0] === '0' ? '1' : '0'}${fresh.code.slice(1)}`;
    for (const [wrong, text] of [[fresh.code.slice(1), /20자리입니다/], [other, /마지막으로 표시한 설정 코드와 다릅니다/]]) {
      await code.fill(wrong);
      await next(page);
      await expect(code).toHaveAccessibleDescription(text);
      await expect(code).toHaveValue(wrong);
      await expect(code).toBeFocused();
    }
    await code.fill(`  http://localhost:${fresh.port}/setup#${fresh.code.toUpperCase().replaceAll('-', ' ')} `);
    await next(page);
    await expect(heading(page, '매장 정보를 입력해 주세요')).toBeVisible();
  });

  test('refuses an expired code, and continues with a new address', async ({ page, fresh, complaints }) => {
    complaints.expect(/403/);
    const expired = { error: { code: 'SETUP_CODE_EXPIRED', message: '', details: [], request_id: '1' } };
    let isExpired = false;
    await page.route('**/api/v1/setup/code', (route) => (isExpired ? route.fulfill({ status: 403, json: expired }) : route.continue()));
    await page.goto(`${fresh.base}/setup#${fresh.code}`);
    await fillStore(page);
    isExpired = true;
    await page.reload();
    await expect(heading(page, '코드가 만료되었습니다')).toBeVisible();
    isExpired = false;
    // The new address differs in the fragment only, so the browser loads nothing.
    await page.goto(`${fresh.base}/setup#${fresh.code}`);
    await expect(page.getByLabel('매장 이름')).toHaveValue('김치식당');
    expect(page.url()).toBe(`${fresh.base}/setup`);
  });

  test('resumes after a reload at each step, and stores no password', async ({ page, fresh }) => {
    await page.goto(fresh.base);
    await expect(heading(page, '설정 코드를 입력해 주세요')).toBeVisible();
    await page.goto(`${fresh.base}/setup#${fresh.code}`);
    await fillStore(page);
    expect(await page.evaluate(() => location.href)).toBe(`${fresh.base}/setup`);
    await page.reload();
    await expect(page.getByLabel('매장 이름')).toHaveValue('김치식당');
    await expect(page.getByLabel('매장 코드')).toHaveValue('kimchi');
    await expect(page.getByLabel('영업일 시작 시각')).toHaveValue('04:00');
    await next(page);

    await fillOwner(page);
    await page.reload();
    await expect(page.getByLabel('아이디')).toHaveValue('boss');
    await expect(page.getByLabel('비밀번호', { exact: true })).toHaveValue('');
    await fillOwner(page);
    await createStore(page);

    await fillTables(page);
    await page.reload();
    await expect(page.getByLabel('테이블 수')).toHaveValue('3');
    await expect(page.getByLabel('테이블 비밀번호')).toHaveValue('');
    await fillTables(page);
    const { token } = await page.evaluate(() => JSON.parse(sessionStorage.getItem('tableorder.setup')));
    expect(await isAccepted(fresh, token)).toBe(true);
    await createTables(page);

    await expect(heading(page, '준비가 끝났습니다')).toBeVisible();
    await page.reload();
    await expect(heading(page, '준비가 끝났습니다')).toBeVisible();
    await expect(page.locator('.setup-values')).toContainText('kimchi');
    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    for (const secret of [PASSWORD, 'table-1234']) expect(stored).not.toContain(secret);
    // The login was handed over to the office and the staff page.
    expect(await page.evaluate(() => JSON.parse(sessionStorage.getItem('tableorder.setup')).token)).toBe('');
    expect(await page.evaluate(() => JSON.parse(sessionStorage.getItem('tableorder.office.account')).token)).toBe(token);
    await page.goto(`${fresh.base}/setup#${fresh.code}`);
    await expect(heading(page, '준비가 끝났습니다')).toBeVisible();
  });

  test('creates one owner if two browsers send the form together', async ({ page, browser, fresh, complaints }) => {
    complaints.expect(/409/);
    const context = await browser.newContext({ locale: 'ko-KR' });
    await complaints.watch(context);
    const other = await context.newPage();
    await upToOwner(page, fresh);
    await upToOwner(other, fresh, 'rival');
    await Promise.all([createStore(page), createStore(other)]);
    const outcome = async (one) => {
      await expect(one.getByRole('heading', { level: 1, name: /테이블을 만들어 주세요|이미 설정된 서버입니다/ })).toBeVisible();
      return one.getByRole('heading', { level: 1 }).innerText();
    };
    expect([await outcome(page), await outcome(other)].sort()).toEqual(['이미 설정된 서버입니다', '테이블을 만들어 주세요']);
    const isFirst = (await outcome(page)) === '테이블을 만들어 주세요';
    const [owner, loser] = isFirst ? ['boss', 'rival'] : ['rival', 'boss'];
    expect((await loginOfOwner(fresh, PASSWORD, 'kimchi', loser)).status).toBe(401);
    const staff = new Staff(fresh.base);
    staff.token = (await (await loginOfOwner(fresh, PASSWORD, 'kimchi', owner)).json()).token;
    const { users } = await staff.call('GET', '/admin/users');
    expect(users.map(({ username, role }) => [username, role])).toEqual([[owner, 'owner']]);
    const third = await context.newPage();
    await third.goto(`${fresh.base}/setup#${fresh.code}`);
    await expect(heading(third, '이미 설정된 서버입니다')).toBeVisible();
    await expect(third.getByRole('link', { name: '직원 화면' })).toBeVisible();
    await context.close();
  });

  test('sends the store again if the response is lost', async ({ page, fresh, complaints }) => {
    complaints.expect(/ERR_FAILED|Failed to load resource/);
    await page.route('**/api/v1/setup/code', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), lan_hosts: ['192.168.0.10', '10.0.0.5'] } });
    });
    let lost = 0;
    await page.route('**/api/v1/setup/store', async (route) => {
      if (lost > 0) return route.continue();
      lost += 1;
      await route.fetch();
      return route.abort();
    });
    await upToOwner(page, fresh);
    await createStore(page);
    await expect(heading(page, '테이블을 만들어 주세요')).toBeVisible();
    expect(lost).toBe(1);
    await fillTables(page);
    await createTables(page);
    // The page was opened on localhost, so it shows an address of the local network.
    await expect(page.locator('.setup-address')).toHaveText(`http://192.168.0.10:${fresh.port}/order`);
    await expect(page.locator('.setup-other')).toHaveText([`http://10.0.0.5:${fresh.port}/order`]);
  });

  test('asks for the password after lost responses and a reload', async ({ page, fresh, complaints }) => {
    complaints.expect(/ERR_FAILED|Failed to load resource|401|409/);
    await page.route('**/api/v1/setup/store', async (route) => {
      await route.fetch();
      await route.abort();
    });
    await upToOwner(page, fresh);
    await createStore(page);
    await expect(page.getByRole('alert')).toContainText('서버에 연결할 수 없습니다');
    await page.reload();
    await expect(heading(page, '로그인해 주세요')).toBeVisible();
    await page.getByLabel('비밀번호', { exact: true }).fill('wrong one');
    await page.getByRole('button', { name: '로그인', exact: true }).click();
    await expect(page.getByRole('alert')).toContainText('매장 코드, 아이디 또는 비밀번호가 올바르지 않습니다');
    await page.getByLabel('비밀번호', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: '로그인', exact: true }).click();
    await expect(heading(page, '테이블을 만들어 주세요')).toBeVisible();
  });

  test('shows missing and invalid input beside its field', async ({ page, fresh }) => {
    await page.goto(`${fresh.base}/setup#${fresh.code}`);
    await next(page);
    await expect(page.getByLabel('매장 이름')).toBeFocused();
    await expect(page.getByLabel('매장 이름')).toHaveAttribute('aria-invalid', 'true');
    await fillStore(page);
    for (const code of ['할머니 식당!', 'Kimchi', 'k']) {
      await page.getByLabel('매장 코드').fill(code);
      await next(page);
      await expect(page.getByLabel('매장 코드')).toBeFocused();
      await expect(page.getByLabel('매장 코드')).toHaveAccessibleDescription(/영문 소문자, 숫자, 하이픈\(-\)으로 2자 이상 50자 이하/);
      await expect(page.getByLabel('매장 코드')).toHaveValue(code);
    }
    await page.getByLabel('매장 코드').fill('kimchi-2');
    await next(page);
    await fillOwner(page);
    await page.getByLabel('비밀번호 확인').fill('another one');
    await createStore(page);
    await expect(page.getByLabel('비밀번호 확인')).toBeFocused();
    await expect(page.getByText('두 비밀번호가 다릅니다')).toBeVisible();
    await page.getByRole('button', { name: '이전' }).click();
    await expect(page.getByLabel('매장 이름')).toHaveValue('김치식당');
    await next(page);
    await fillOwner(page);
    await createStore(page);
    await fillTables(page);
    await page.getByLabel('테이블 수').fill('0');
    await createTables(page);
    await expect(page.getByLabel('테이블 수')).toBeFocused();
    await expect(page.getByText('1부터 300까지 입력해 주세요')).toBeVisible();
  });

  test('can be used with the keyboard only', async ({ page, fresh }) => {
    await page.goto(`${fresh.base}/setup#${fresh.code}`);
    await expect(heading(page, '매장 정보를 입력해 주세요')).toBeVisible();
    const type = async (text) => {
      await page.keyboard.press('Tab');
      await page.keyboard.type(text);
    };
    await type('김치식당');
    await type('kimchi');
    await page.keyboard.press('Enter');
    await expect(heading(page, '점주 계정을 만들어 주세요')).toBeFocused();
    for (const text of ['boss', PASSWORD, PASSWORD]) await type(text);
    await page.keyboard.press('Enter');
    await expect(heading(page, '테이블을 만들어 주세요')).toBeFocused();
    for (const text of ['2', '1234']) await type(text);
    await page.keyboard.press('Enter');
    await expect(heading(page, '준비가 끝났습니다')).toBeFocused();
  });

  test('ends with an address and instructions that connect a tablet', async ({ page, browser, complaints, start }) => {
    const lan = Object.values(networkInterfaces()).flat().find((one) => one?.family === 'IPv4' && !one.internal)?.address;
    const server = await start({ SEED_DEMO_STORE: 'false', HOST: '0.0.0.0' });
    const at = { ...server, base: `http://${lan ?? '127.0.0.1'}:${server.port}` };
    complaints.allow(at.base);
    await upToOwner(page, at);
    await createStore(page);
    await fillTables(page);
    await createTables(page);
    await expect(heading(page, '준비가 끝났습니다')).toBeVisible();
    const address = lan ? await page.locator('.setup-address').innerText() : `${at.base}/order`;
    expect(address).toBe(`${at.base}/order`);
    await expect(page.locator('.setup-values')).toContainText('kimchi');

    const context = await browser.newContext({ locale: 'ko-KR' });
    await complaints.watch(context);
    const tablet = await context.newPage();
    await tablet.goto(address);
    await tablet.getByLabel('매장 코드').fill('kimchi');
    await tablet.getByLabel('테이블 번호').fill('3');
    await tablet.getByLabel('테이블 비밀번호').fill('table-1234');
    await tablet.getByRole('button', { name: '연결하기' }).click();
    await expect(tablet.locator('.badge.live')).toBeVisible();
    await context.close();
    expect((await loginOfOwner(server)).status).toBe(200);
    await page.getByRole('link', { name: '직원 화면' }).click();
    await expect(page).toHaveURL(`${at.base}/staff`);
    await expect(page.getByRole('heading', { level: 1, name: '김치식당' })).toBeVisible();
    await expect(page.locator('.badge.live')).toBeVisible();
    await page.close();
  });

  test('explains how tablets can reach a server that listens locally', async ({ page, fresh }) => {
    await upToOwner(page, fresh);
    await createStore(page);
    await fillTables(page);
    await createTables(page);
    const open = page.locator('.setup-todo > li').nth(1);
    await expect(open).toContainText('HOST=0.0.0.0');
    await expect(open).toHaveCSS('list-style-type', 'decimal');
    await expect(open).toHaveCSS('display', 'list-item');
  });

  test('creates a store whose owner can delete the demo store', async ({ page, start }) => {
    const server = await start();
    // The browser still has the login of the demo store, which is kept after the tab is closed.
    await page.goto(`${server.base}/office`);
    await page.getByLabel('창을 닫아도 로그인 유지 (기본 16시간)').check();
    await fillLogin(page);
    await expect(page.getByRole('heading', { level: 1, name: '데모 식당' })).toBeVisible();
    await upToOwner(page, server);
    await createStore(page);
    await fillTables(page);
    await createTables(page);
    await page.getByRole('link', { name: '관리 화면' }).click();
    await expect(page.getByRole('heading', { level: 1, name: '김치식당' })).toBeVisible();
    expect(await page.evaluate(() => JSON.parse(sessionStorage.getItem('tableorder.setup')).token)).toBe('');
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain('demo-store');
    await page.getByRole('button', { name: '데모 매장 삭제' }).click();
    const asked = page.getByRole('dialog');
    await expect(asked).toContainText('되돌릴 수 없습니다');
    await asked.getByRole('button', { name: '취소' }).click();
    await page.getByRole('button', { name: '데모 매장 삭제' }).click();
    await asked.getByRole('button', { name: '삭제', exact: true }).click();
    await expect(page.getByRole('status').filter({ hasText: '데모 매장을 삭제했습니다' })).toBeVisible();
    await expect(page.getByRole('button', { name: '데모 매장 삭제' })).toHaveCount(0);
    expect((await loginOfOwner(server)).status).toBe(200);
    expect((await loginOfOwner(server, 'admin1234', 'demo-store', 'admin')).status).toBe(401);
    await page.reload();
    await page.getByRole('link', { name: '변경 기록' }).click();
    await expect(page.locator('.row', { hasText: '데모 매장 삭제' })).toBeVisible();
    await expect(page.locator('.row', { hasText: '서버 관리자 (매장 설정)' }).first()).toBeVisible();
    await page.close();
  });

  test('is linked on the start page if only the demo store exists', async ({ page, server }) => {
    await page.goto(server.base);
    await page.getByRole('link', { name: /내 매장 설정/ }).click();
    await expect(heading(page, '설정 코드를 입력해 주세요')).toBeVisible();
    await page.goto(`${server.base}/setup#${server.code}`);
    await expect(heading(page, '매장 정보를 입력해 주세요')).toBeVisible();
  });

  for (const [scheme, width, height] of [['light', 1280, 800], ['dark', 390, 844], ['light', 640, 400]]) {
    test(`has no axe-core violation and no small target: ${scheme}, ${width} pixels wide`, async ({ page, fresh, complaints }) => {
      complaints.expect(/403|409/);
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.goto(`${fresh.base}/setup#${WRONG}`);
      await expect(heading(page, '코드가 올바르지 않습니다')).toBeVisible();
      await checkPage(page, 'refusal');
      await page.getByRole('button', { name: '코드 직접 입력' }).click();
      await checkPage(page, 'code');
      await page.goto(`${fresh.base}/setup#${fresh.code}`);
      await expect(heading(page, '매장 정보를 입력해 주세요')).toBeVisible();
      await next(page);
      await expect(page.getByText('입력해 주세요').nth(1)).toBeVisible();
      await checkPage(page, 'store');
      await fillStore(page);
      await next(page);
      await createStore(page);
      await checkPage(page, 'owner');
      await fillOwner(page);
      await createStore(page);
      await fillTables(page);
      await checkPage(page, 'tables');
      await createTables(page);
      await expect(heading(page, '준비가 끝났습니다')).toBeVisible();
      await checkPage(page, 'finish');
      await page.goto(fresh.base);
      await expect(page.getByRole('link', { name: /직원 화면/ })).toBeVisible();
      await checkPage(page, 'start page');
    });
  }
});
