// A server and staff for all tests, and a table and a tablet for each test.
import { test as base, expect } from '@playwright/test';
import { Staff } from './staff.js';
import { startServer } from './server.js';
import { areDeliberate } from './taps.js';

export { expect };

/** Retries, because Debian's Chromium sometimes crashes at its start (SIGSEGV before the first page). */
async function launch(browserType) {
  for (let attemptsLeft = 2; ; attemptsLeft -= 1) {
    try {
      return await browserType.launch();
    } catch (error) {
      if (attemptsLeft === 0) throw error;
      console.warn(`Chromium did not start: ${String(error).split('\n', 1)[0]}`);
    }
  }
}

export const test = base.extend({
  browser: [
    async ({ playwright, browserName }, use) => {
      const browser = await launch(playwright[browserName]);
      await use(browser);
      await browser.close();
    },
    { scope: 'worker', timeout: 0 },
  ],
  server: [
    async ({}, use) => {
      const server = await startServer();
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],
  staff: [
    async ({ server }, use) => {
      await use(await Staff.login(server.base));
    },
    { scope: 'worker' },
  ],
  table: async ({ staff }, use) => {
    await use(await staff.newTable());
  },
  /** Errors on any page, which fail the test unless it expects them. */
  complaints: [
    async ({ context, server }, use) => {
      const complaints = [];
      const origins = [new URL(server.base).origin];
      const contexts = [];
      // The server aborts a stream to end it, so that every client reconnects.
      const expected = [
        /ERR_INCOMPLETE_CHUNKED_ENCODING/,
        // The staff page tries to continue its sound after a reload.
        /AudioContext was not allowed to start/,
      ];
      /** Also collects the errors of a context that the test made. @param {import('@playwright/test').BrowserContext} one */
      const watch = async (one) => {
        contexts.push(one);
        one.on('console', (message) => {
          if (message.type() !== 'error' && message.type() !== 'warning') return;
          if (!expected.some((pattern) => pattern.test(message.text()))) complaints.push(`console: ${message.text()}`);
        });
        one.on('weberror', (error) => complaints.push(`error: ${error.error().stack}`));
        one.on('request', (request) => {
          if (!origins.includes(new URL(request.url()).origin)) complaints.push(`request to ${request.url()}`);
        });
        await one.addInitScript(areDeliberate);
        await one.addInitScript(() => {
          document.addEventListener('securitypolicyviolation', (event) => {
            console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
          });
        });
      };
      await watch(context);
      await use({ expect: (pattern) => expected.push(pattern), allow: (base) => origins.push(new URL(base).origin), watch });
      // A routed request may still be running when the test ends.
      for (const page of contexts.flatMap((one) => one.pages())) await page.unrouteAll({ behavior: 'ignoreErrors' });
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
  /** A paired tablet that shows the menu. */
  tablet: async ({ page, server, table, complaints }, use) => {
    const tablet = new Tablet(page, server.base, table, complaints);
    await tablet.pair();
    await use(tablet);
  },
});

/** The actions of a guest on the page. */
export class Tablet {
  constructor(page, base, table, complaints) {
    this.page = page;
    this.base = base;
    this.table = table;
    this.complaints = complaints;
  }

  async pair() {
    const { page } = this;
    await page.goto(`${this.base}/order`);
    await page.getByLabel('매장 코드').fill('demo-store');
    await page.getByLabel('테이블 번호').fill(String(this.table.number));
    await page.getByLabel('테이블 비밀번호').fill(this.table.password);
    await page.getByRole('button', { name: '연결하기' }).click();
    await this.isReady();
  }

  /** Waits until the menu is shown and the stream is connected. */
  async isReady() {
    await expect(this.page.locator('.card').first()).toBeVisible();
    await expect(this.page.locator('.badge.live')).toBeVisible();
  }

  /** @param {string} name */
  async add(name, times = 1) {
    for (let n = 0; n < times; n += 1) await this.page.getByRole('button', { name: `${name} 담기`, exact: true }).click();
  }

  get cart() {
    return this.page.locator('.cart-panel');
  }

  /** @param {string} name */
  line(name) {
    return this.cart.locator('.line', { hasText: name });
  }

  /** Opens the confirmation of the order and waits until its button can be pressed. */
  async review() {
    await this.cart.getByRole('button', { name: '주문하기' }).click();
    const button = this.page.getByRole('dialog').getByRole('button', { name: /원 주문하기$/ });
    await expect(button).toBeVisible();
    // A tap right after the dialog has opened is ignored.
    await expect(button).toBeEnabled();
    return button;
  }

  async order() {
    await (await this.review()).click();
  }

  async isPlaced() {
    await expect(this.page.getByRole('heading', { name: '주문이 접수되었습니다' })).toBeVisible();
  }

  async close() {
    await this.page.keyboard.press('Escape');
    await expect(this.page.getByRole('dialog')).toHaveCount(0);
    // The browser may learn the new address later than the page, and would reload the old one.
    await expect(this.page).not.toHaveURL(/#./);
  }

  /** Disconnects the tablet from the network. The browser logs errors. */
  async disconnect() {
    this.complaints.expect(/ERR_INTERNET_DISCONNECTED|ERR_NETWORK|Failed to load resource/);
    await this.page.context().setOffline(true);
  }

  async reconnect() {
    await this.page.context().setOffline(false);
  }
}

/** The button of the thank-you page. */
export const nextGuests = (page) => page.getByRole('button', { name: '새로 시작하기' });
