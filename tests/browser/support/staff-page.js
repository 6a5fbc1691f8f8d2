// The actions of staff on their page.
import { expect } from '@playwright/test';
import { settled } from './settled.js';
import { signIn as signInAt } from './sign-in.js';

export const signIn = (page, base) => signInAt(page, `${base}/staff`);

export const card = (page, table) => page.locator('.table', { has: page.getByRole('button', { name: `${table.number}번 테이블`, exact: true }) });

export const openTable = async (page, table, hasOrders = true) => {
  await page.getByRole('button', { name: `${table.number}번 테이블`, exact: true }).click();
  const dialog = page.getByRole('dialog');
  if (hasOrders) await expect(dialog.locator('.order').first()).toBeVisible();
  await settled(page);
  return dialog;
};

/** The middle of a button that receives clicks. */
export const middle = async (locator) => {
  await expect(locator).toBeEnabled();
  const { x, y, width, height } = await locator.boundingBox();
  return [x + width / 2, y + height / 2];
};
