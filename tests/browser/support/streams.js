// A proxy that forwards all requests except event streams. Its own streams send a night's events and reconnects in
// seconds.
import { once } from 'node:events';
import { createServer, request } from 'node:http';

/**
 * The number of events after which a connection ends. It ends properly, because a browser may drop the events before
 * an abort. Between two batches, a connection without events is aborted, as the server does.
 */
const BATCH = 20;

/** How long the page may take to handle the events, in milliseconds. */
const TIMEOUT = 120_000;

/** @typedef {[name: string, data: object]} Event */

const frame = (cursor, [name, data]) => `id: night:${cursor}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

/** @param {string} base the server behind it */
export async function startStreams(base) {
  /** @type {Event[]} */
  const events = [];
  /** The connection that has received every event. @type {import('node:http').ServerResponse | null} */
  let current = null;
  let connections = 0;
  let lastCursor;
  let onReceived = () => {};

  const open = (incoming, response) => {
    connections += 1;
    lastCursor = incoming.headers['last-event-id'];
    const known = /^night:(\d+)$/.exec(incoming.headers['last-event-id'] ?? '')?.[1];
    const cursor = Number(known ?? events.length);
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    // The server's `retry` is several seconds.
    response.write(`retry: 1\n${frame(cursor, ['connected', { event_id: `night:${cursor}`, menu_version: 1 }])}`);
    if (cursor < events.length) {
      if (connections % 2 === 0) response.socket?.end();
      else feed(response, cursor);
      return;
    }
    current = response;
    response.on('close', () => {
      if (current === response) current = null;
    });
    onReceived();
  };

  const feed = (response, cursor) => {
    const batch = events.slice(cursor, cursor + BATCH);
    response.end(batch.map((event, index) => frame(cursor + index + 1, event)).join(''));
  };

  const pass = (incoming, response) => {
    const { method, url, headers } = incoming;
    const onward = request(base + url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  };

  const server = createServer((incoming, response) => {
    const isStream = incoming.method === 'GET' && incoming.url.endsWith('/orders/stream');
    (isStream ? open : pass)(incoming, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    base: `http://127.0.0.1:${server.address().port}`,
    connections: () => connections,
    /**
     * Sends events and waits until the page has handled them: then it reconnects with the id of the last event.
     *
     * @param {Event[]} more
     */
    send: (more) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          const state = { connections, events: events.length, isConnected: current !== null, lastCursor };
          reject(new Error(`the page did not handle the events: ${JSON.stringify(state)}`));
        }, TIMEOUT);
        onReceived = () => {
          clearTimeout(timer);
          resolve();
        };
        const cursor = events.push(...more) - more.length;
        if (current) feed(current, cursor);
        current = null;
      }),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
