// node --test examples/
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

// Loaded as text, because node treats a plain .js file without a package.json as CommonJS.
const code = await readFile(new URL('./dashboard-stream.js', import.meta.url));
const { openDashboardStream } = await import(`data:text/javascript;base64,${code.toString('base64')}`);

function server({ unauthorized = false } = {}) {
  const world = { tickets: 0, snapshots: 0, sources: [], timers: [], loaded: [], events: [], loggedOut: 0 };
  class FakeEventSource {
    constructor(url) {
      this.url = new URL(url);
      this.handlers = {};
      this.closed = false;
      world.sources.push(this);
    }
    addEventListener(name, handler) {
      this.handlers[name] = handler;
    }
    close() {
      this.closed = true;
    }
    emit(name, lastEventId, data) {
      this.handlers[name]?.({ lastEventId, data: JSON.stringify(data) });
    }
  }
  const fetch = async (url, { headers }) => {
    assert.equal(headers.Authorization, 'Bearer login');
    if (unauthorized) return { ok: false, status: 401 };
    if (world.away) throw new Error('no network');
    const body = url.endsWith('/ticket')
      ? { ticket: `ticket-${++world.tickets}` }
      : { event_id: `e:${++world.snapshots * 10}`, tables: [] };
    return { ok: true, status: 200, json: async () => body };
  };
  world.stream = openDashboardStream({
    api: 'http://server/api/v1',
    token: () => 'login',
    load: async (snapshot) => world.loaded.push(snapshot.event_id),
    onEvent: (name, data) => world.events.push([name, data]),
    onLogout: () => world.loggedOut++,
    fetch,
    EventSource: FakeEventSource,
    random: () => 0.5,
    setTimeout: (run, ms) => world.timers.push({ run, ms }),
  });
  world.settle = () => new Promise((resolve) => setImmediate(resolve));
  world.tick = async () => {
    world.timers.shift().run();
    await world.settle();
  };
  return world;
}

const query = (source) => Object.fromEntries(source.url.searchParams);

test('loads the snapshot and listens from its cursor', async () => {
  const world = server();
  await world.settle();
  assert.deepEqual(world.loaded, ['e:10']);
  assert.deepEqual(query(world.sources[0]), { ticket: 'ticket-1', last_event_id: 'e:10' });
  world.sources[0].emit('new_order', 'e:11', { order_id: 1 });
  assert.deepEqual(world.events, [['new_order', { order_id: 1 }]]);
});

test('delivers every event of docs/api.md, in order', async () => {
  const document = await readFile(new URL('../docs/api.md', import.meta.url), 'utf8');
  const table = document.slice(document.indexOf('| event | receivers |')).split('\n\n')[0];
  const listed = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  const names = listed.filter((name) => name !== 'connected' && name !== 'reset');
  assert.ok(names.includes('new_order'), 'the table was found');
  const world = server();
  await world.settle();
  names.forEach((name, index) => world.sources[0].emit(name, `e:${11 + index}`, { index }));
  assert.deepEqual(world.events, names.map((name, index) => [name, { index }]));
  world.sources[0].emit('error');
  await world.tick();
  assert.equal(query(world.sources[1]).last_event_id, `e:${10 + names.length}`, 'every event moves the cursor');
});

test('resumes after the last event with a new ticket and exponential backoff', async () => {
  const world = server();
  await world.settle();
  world.sources[0].emit('connected', 'e:10', {});
  world.sources[0].emit('order_updated', 'e:12', { order_id: 1 });
  world.sources[0].emit('error');
  assert.ok(world.sources[0].closed);
  assert.equal(world.timers[0].ms, 500);
  world.away = true;
  await world.tick();
  assert.equal(world.timers[0].ms, 1000);
  world.away = false;
  await world.tick();
  assert.deepEqual(query(world.sources[1]), { ticket: 'ticket-2', last_event_id: 'e:12' });
  assert.equal(world.snapshots, 1, 'the snapshot is not loaded again');
  world.sources[1].emit('connected', 'e:12', {});
  world.sources[1].emit('error');
  assert.equal(world.timers[0].ms, 500, 'a successful connection resets the backoff');
  world.sources[0].emit('new_order', 'e:13', {});
  assert.equal(world.events.length, 1, 'late events of an old connection are ignored');
});

test('a reset loads the snapshot again', async () => {
  const world = server();
  await world.settle();
  world.sources[0].emit('reset', 'e:40', { event_id: 'e:40' });
  await world.tick();
  assert.deepEqual(world.loaded, ['e:10', 'e:20']);
  assert.deepEqual(query(world.sources[1]), { ticket: 'ticket-2', last_event_id: 'e:20' });
});

test('a 401 ends the stream and reports the logout', async () => {
  const world = server({ unauthorized: true });
  await world.settle();
  assert.deepEqual([world.loggedOut, world.timers.length, world.sources.length], [1, 0, 0]);
});

test('a closed stream does not reconnect', async () => {
  const world = server();
  await world.settle();
  world.stream.close();
  world.sources[0].emit('error');
  assert.ok(world.sources[0].closed);
  assert.equal(world.timers.length, 0);
});
