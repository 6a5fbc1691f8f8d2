// Staff of the demo restaurant, who use the API.

export class Staff {
  /** @param {string} base */
  static async login(base) {
    const staff = new Staff(base);
    const login = await staff.call('POST', '/admin/auth/login', { store_id: 'demo-store', username: 'admin', password: 'admin1234' });
    staff.token = login.token;
    return staff;
  }

  /** @param {string} base */
  constructor(base) {
    this.base = base;
    this.token = '';
    this.lastTable = 100;
  }

  /** @param {string} method @param {string} path @param {object} [body] */
  async call(method, path, body) {
    const response = await fetch(`${this.base}/api/v1${path}`, {
      method,
      headers: { 'Content-Type': 'application/json', ...(this.token && { Authorization: `Bearer ${this.token}` }) },
      body: body && JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  /** A table that no other test uses. */
  async newTable(password = '1234') {
    this.lastTable += 1;
    const { id } = await this.call('POST', '/admin/tables', { table_number: this.lastTable, password });
    return { id, number: this.lastTable, password };
  }

  /** @param {string} name @param {number} price @param {object} [more] */
  async newItem(name, price, more = {}) {
    const { categories } = await this.call('GET', '/admin/categories');
    return this.call('POST', '/admin/menus', { category_id: categories[0].id, name, price, ...more });
  }

  /** @param {{ id: number }} item @param {object} change */
  changeItem(item, change) {
    return this.call('PATCH', `/admin/menus/${item.id}`, change);
  }

  /** A category with items of these names. @param {string} name @param {string[]} items */
  async newCategory(name, items) {
    const category = await this.call('POST', '/admin/categories', { name });
    const ids = [];
    for (const item of items) ids.push((await this.newItem(item, 5_000, { category_id: category.id })).id);
    return { id: category.id, items: ids };
  }

  /** The names of a category's items, in order. @param {{ id: number }} category */
  async namesIn(category) {
    const { menus } = await this.call('GET', '/admin/menus');
    return menus.filter((item) => item.category_id === category.id).map(({ name }) => name);
  }

  /** @param {{ id: number }} category */
  async deleteCategory({ id }) {
    const { menus } = await this.call('GET', '/admin/menus');
    for (const item of menus) if (item.category_id === id) await this.call('DELETE', `/admin/menus/${item.id}`);
    await this.call('DELETE', `/admin/categories/${id}`);
  }

  /** The orders of a table, newest first. @param {{ id: number }} table */
  async orders(table) {
    const { orders } = await this.call('GET', `/admin/orders?table_id=${table.id}&limit=200`);
    return orders;
  }

  /** @param {{ id: number }} table */
  complete(table) {
    return this.call('POST', `/admin/tables/${table.id}/complete`);
  }
}
