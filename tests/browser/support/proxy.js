// A proxy that can freeze: connections stay open, and nothing passes.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** @param {string} base the server behind it */
export async function startProxy(base) {
  const { port } = new URL(base);
  const sockets = new Set();
  let isFrozen = false;
  const server = createServer((client) => {
    const upstream = connect(Number(port), '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    const pass = (from, to) =>
      from.on('data', (data) => {
        // Data that arrives while it is frozen is lost, as on a dead link.
        if (!isFrozen) to.write(data);
      });
    pass(client, upstream);
    pass(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    base: `http://127.0.0.1:${server.address().port}`,
    freeze: () => {
      isFrozen = true;
    },
    thaw: () => {
      isFrozen = false;
      cut();
    },
    /** Ends all connections. */
    cut,
    stop: () => {
      cut();
      server.close();
    },
  };
}
