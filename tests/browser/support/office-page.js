// The actions of an owner in the office.
import { expect, test } from './fixtures.js';
import { signIn } from './sign-in.js';

/** Opens a section of the office and signs in. */
export async function openOffice(page, server, section = 'menu') {
  await signIn(page, `${server.base}/office#${section}`);
  await expect(page.locator('.section-head')).toBeVisible();
}

export const dialog = (page) => page.getByRole('dialog');

export const row = (page, name) => page.locator('.row', { hasText: name });

/** Collects the bodies of the page's requests with this method and path. */
export function count(page, method, path) {
  const sent = [];
  page.on('request', (request) => {
    if (request.method() === method && new URL(request.url()).pathname === `/api/v1${path}`) sent.push(request.postDataJSON());
  });
  return sent;
}

/** Ends the login on the server, without a sign-out of the page. */
export const endLogin = (page) =>
  page.evaluate(async () => {
    const { token } = JSON.parse(sessionStorage.getItem('tableorder.office.account'));
    await fetch('/api/v1/admin/auth/logout', { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
  });

/** A category with three items, deleted after the test. */
export const arranged = test.extend({
  category: async ({ staff }, use, { testId }) => {
    const name = `순서 ${testId.slice(-8)}`;
    const category = await staff.newCategory(name, ['하나', '둘', '셋']);
    await use({ ...category, name });
    await staff.deleteCategory(category);
  },
});
