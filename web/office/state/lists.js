// The data of the sections.
import { Resource } from '../../lib/resource.js';
import { request } from './account.js';

/** @typedef {{ categories: import('wire').Category[], items: import('wire').MenuItem[] }} Menu */
/** @typedef {{ tables: import('wire').Table[], devices: import('wire').Device[] }} Tables */

/** @type {Resource<Menu>} */
export const menu = new Resource(async () => {
  const [{ categories }, { menus }] = await Promise.all([
    /** @type {Promise<import('wire').CategoryList>} */ (request('GET', '/admin/categories')),
    /** @type {Promise<import('wire').MenuList>} */ (request('GET', '/admin/menus')),
  ]);
  return { categories, items: menus };
});

/** @type {Resource<Tables>} */
export const tables = new Resource(async () => {
  const [list, devices] = await Promise.all([
    /** @type {Promise<import('wire').TableList>} */ (request('GET', '/admin/tables')),
    readDevices(),
  ]);
  return { tables: list.tables, devices };
});

/**
 * Reads a resource and returns its current data.
 *
 * @template T
 * @param {Resource<T>} resource
 */
export async function readNow(resource) {
  await resource.load();
  if (resource.error.peek()) throw resource.error.peek();
  return resource.data.peek();
}

/** Whether the server has the demo store and this owner may delete it. @type {Resource<import('wire').DemoStore>} */
export const demo = new Resource(() => request('GET', '/admin/demo-store'));

/** The tablets of all tables, because the API has no list of one table's tablets. */
async function readDevices() {
  /** @type {Map<number, import('wire').Device>} */
  const devices = new Map();
  let cursor = '';
  do {
    /** @type {import('wire').DeviceList} */
    const page = await request('GET', `/admin/devices?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    // A device that was used between two requests may be on both pages.
    for (const device of page.devices) if (!devices.has(device.id)) devices.set(device.id, device);
    cursor = page.next_cursor ?? '';
  } while (cursor);
  return [...devices.values()];
}

/** @type {Resource<import('wire').User[]>} */
export const users = new Resource(async () => {
  /** @type {import('wire').UserList} */
  const list = await request('GET', '/admin/users');
  return list.users;
});

/**
 * The list with the saved element at its old place, or at the end if it is new.
 *
 * @template {{ id: number }} T
 * @param {T[]} list
 * @param {T} saved
 */
export function replaced(list, saved) {
  return list.some(({ id }) => id === saved.id) ? list.map((one) => (one.id === saved.id ? saved : one)) : [...list, saved];
}
