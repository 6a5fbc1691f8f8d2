import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from './support/fixtures.js';

const IMAGES = join(dirname(fileURLToPath(import.meta.url)), '../../docs/images');

// UPDATE_IMAGES=1 writes the images of the documentation; fonts differ from machine to machine.
test('the image of the guest page can be made', async ({ page, server, staff, complaints }, info) => {
  const { Tablet } = await import('./support/fixtures.js');
  const [table] = (await staff.call('GET', '/admin/tables')).tables.filter(({ table_number }) => table_number === 3);
  const tablet = new Tablet(page, server.base, { id: table.id, number: 3 }, complaints);
  await tablet.pair();
  await tablet.add('김치찌개', 2);
  await tablet.add('해물파전');
  await page.mouse.move(640, 790);
  await page.evaluate(() => scrollTo(0, 0));
  await expect(tablet.line('해물파전')).toBeVisible();
  const path = process.env.UPDATE_IMAGES ? join(IMAGES, 'guest.png') : info.outputPath('guest.png');
  const image = await page.screenshot({ path });
  expect(image.readUInt32BE(16)).toBe(1280);
});
