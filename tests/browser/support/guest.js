// A guest who orders through the API.

export class Guest {
  /** @param {string} base @param {{ number: number }} table */
  static async login(base, table) {
    const response = await fetch(`${base}/api/v1/customer/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ store_id: 'demo-store', table_number: table.number, password: '1234' }),
    });
    const { token, device_id } = await response.json();
    return new Guest(base, token, device_id);
  }

  constructor(base, token, device) {
    this.base = base;
    this.device = device;
    this.headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  }

  /** Orders one of an item. @param {string} name @param {string} [note] */
  async order(name = '콜라', quantity = 1, note = undefined) {
    const { menus } = await (await fetch(`${this.base}/api/v1/customer/menu`, { headers: this.headers })).json();
    const { id } = menus.find((item) => item.name === name);
    const body = JSON.stringify({ items: [{ menu_id: id, quantity }], note });
    const response = await fetch(`${this.base}/api/v1/customer/orders`, { method: 'POST', headers: this.headers, body });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  }
}
