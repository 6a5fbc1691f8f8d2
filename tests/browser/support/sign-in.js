// The sign-in of the staff page and the office.
import { expect } from '@playwright/test';

/** The owner of the demo restaurant. */
const OWNER = { store: 'demo-store', username: 'admin', password: 'admin1234' };

/** Signs in and waits for the stream. */
export async function signIn(page, address, account = OWNER) {
  await page.goto(address);
  await fillLogin(page, account);
  await expect(page.locator('.badge.live')).toBeVisible();
}

/** @param {import('@playwright/test').Page | import('@playwright/test').Locator} form */
export async function fillLogin(form, { store, username, password } = OWNER) {
  await form.getByLabel('매장 코드').fill(store);
  await form.getByLabel('아이디').fill(username);
  await form.getByLabel('비밀번호').fill(password);
  await form.getByRole('button', { name: '로그인', exact: true }).click();
}
