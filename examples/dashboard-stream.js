// A dashboard's event stream as it should be: a fresh ticket for every connection, resuming after the last
// event seen, reconnecting with a growing, jittered pause, and loading everything anew when told to.
//
//   const stream = openDashboardStream({
//     api: 'http://localhost:8000/api/v1',
//     token: () => adminToken,                       // the current login
//     load: async (snapshot) => render(snapshot),    // GET /admin/tables/dashboard, first and after a reset
//     onEvent: (name, data) => apply(name, data),    // every later change, exactly once, in order
//     onLogout: () => showLogin(),                   // the login no longer counts
//   });
//   stream.close();
//
// No dependencies; works in browsers as it is. `fetch` and `EventSource` can be handed in, for tests.

const EVENTS = ['new_order', 'order_updated', 'order_deleted', 'session_completed', 'menu_changed'];
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

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
  let place = null; // the id of the last event seen; null: load everything first
  let source = null;
  let pause = FIRST_PAUSE_MS;
  let closed = false;

  async function call(method, path) {
    const answer = await fetch(api + path, { method, headers: { Authorization: `Bearer ${token()}` } });
    if (answer.status === 401) {
      close();
      onLogout();
    }
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
    return answer.json();
  }

  async function connect() {
    if (closed) return;
    try {
      if (place === null) {
        const snapshot = await call('GET', '/admin/tables/dashboard');
        if (closed) return;
        await load(snapshot);
        place = snapshot.event_id;
      }
      const { ticket } = await call('POST', '/admin/orders/stream/ticket');
      if (!closed) listen(ticket);
    } catch {
      again();
    }
  }

  function listen(ticket) {
    const query = new URLSearchParams({ ticket, last_event_id: place });
    const mine = new EventSource(`${api}/admin/orders/stream?${query}`);
    source = mine;
    const on = (name, handle) =>
      mine.addEventListener(name, (event) => {
        if (source === mine) handle(event);
      });
    on('connected', () => {
      pause = FIRST_PAUSE_MS;
    });
    on('reset', () => {
      // The place is too old to be replayed: load everything anew and go on from there.
      place = null;
      again();
    });
    for (const name of EVENTS) {
      on(name, (event) => {
        place = event.lastEventId;
        onEvent(name, JSON.parse(event.data));
      });
    }
    // A native EventSource would try the same ticket again, which lives for a minute: take a new one.
    on('error', again);
  }

  function again() {
    source?.close();
    source = null;
    if (closed) return;
    setTimeout(connect, pause * (0.5 + random()));
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }

  function close() {
    closed = true;
    source?.close();
    source = null;
  }

  connect();
  return { close };
}
