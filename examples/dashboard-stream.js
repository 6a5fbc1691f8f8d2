// An example of a dashboard's event stream: a new ticket for every connection, resume after the last event, reconnect
// with exponential backoff and jitter, and reload after a reset.
//
//   const stream = openDashboardStream({
//     api: 'http://localhost:8000/api/v1',
//     token: () => adminToken,                       // the current login
//     load: async (snapshot) => render(snapshot),    // GET /admin/tables/dashboard, first and after a reset
//     onEvent: (name, data) => apply(name, data),    // every later change, exactly once, in order
//     onLogout: () => showLogin(),                   // the login has ended
//   });
//   stream.close();
//
// No dependencies; works in browsers without a build step. Tests can pass their own `fetch` and `EventSource`.

// All events of docs/api.md. An EventSource drops events without a listener.
const EVENTS = [
  'new_order',
  'order_updated',
  'order_deleted',
  'order_restored',
  'session_completed',
  'session_reopened',
  'menu_changed',
  'limit_reached',
];
const MIN_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 15_000;

export function openDashboardStream({
  api,
  token,
  load,
  onEvent,
  onLogout = () => {},
  fetch = globalThis.fetch.bind(globalThis),
  EventSource = globalThis.EventSource,
  random = Math.random,
  setTimeout = globalThis.setTimeout.bind(globalThis),
}) {
  let cursor = null; // the id of the last event; null: load the snapshot first
  let source = null;
  let backoff = MIN_BACKOFF_MS;
  let closed = false;

  async function call(method, path) {
    const response = await fetch(api + path, { method, headers: { Authorization: `Bearer ${token()}` } });
    if (response.status === 401) {
      close();
      onLogout();
    }
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
    return response.json();
  }

  async function connect() {
    if (closed) return;
    try {
      if (cursor === null) {
        const snapshot = await call('GET', '/admin/tables/dashboard');
        if (closed) return;
        await load(snapshot);
        cursor = snapshot.event_id;
      }
      const { ticket } = await call('POST', '/admin/orders/stream/ticket');
      if (!closed) listen(ticket);
    } catch {
      reconnect();
    }
  }

  function listen(ticket) {
    const query = new URLSearchParams({ ticket, last_event_id: cursor });
    const mine = new EventSource(`${api}/admin/orders/stream?${query}`);
    source = mine;
    const on = (name, handle) =>
      mine.addEventListener(name, (event) => {
        if (source === mine) handle(event);
      });
    on('connected', () => {
      backoff = MIN_BACKOFF_MS;
    });
    on('reset', () => {
      // The cursor cannot be replayed: load the snapshot again and continue from there.
      cursor = null;
      reconnect();
    });
    for (const name of EVENTS) {
      on(name, (event) => {
        cursor = event.lastEventId;
        onEvent(name, JSON.parse(event.data));
      });
    }
    // A native EventSource would reconnect with the same ticket, which is valid for only a minute: get a new one.
    on('error', reconnect);
  }

  function reconnect() {
    source?.close();
    source = null;
    if (closed) return;
    setTimeout(connect, backoff * (0.5 + random()));
    backoff = Math.min(backoff * 2, MAX_BACKOFF_MS);
  }

  function close() {
    closed = true;
    source?.close();
    source = null;
  }

  connect();
  return { close };
}
