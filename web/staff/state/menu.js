// The menu with its sold-out switches, loaded when it is first opened.
import { Availability } from '../../lib/availability.js';
import { t } from '../../lib/i18n.js';
import { Resource } from '../../lib/resource.js';
import { view } from '../../lib/view.js';
import { toast } from '../../ui/toast.js';
import { explain, request } from './account.js';

/** @typedef {{ categories: import('wire').Category[], items: import('wire').MenuItem[] }} Menu */

/** @type {Resource<Menu>} */
export const menu = new Resource(async () => {
  const [{ categories }, { menus }] = await Promise.all([
    /** @type {Promise<import('wire').CategoryList>} */ (request('GET', '/admin/categories')),
    /** @type {Promise<import('wire').MenuList>} */ (request('GET', '/admin/menus')),
  ]);
  return { categories, items: menus };
});

export const { wanted, failures, setAvailable } = new Availability({
  request,
  menu,
  // Screen readers already announce the switch.
  onChanged: () => {},
  onFailed: (text) => {
    if (view.peek().name !== 'menu') toast(text);
  },
  explain: ({ name }, error) => t('staff.menu.failed', { name, reason: explain(error) }),
});

/** Loads the menu again if it was loaded before. */
export function refreshMenu() {
  if (menu.data.peek() || menu.error.peek()) menu.load();
}
