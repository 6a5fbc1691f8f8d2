// A separate server, with an empty database in a directory that is removed afterwards.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const PROGRAM = process.env.TABLEORDER_PROGRAM ?? join(here, '../../../target/debug/tableorder');

/**
 * Starts a server on a free port and waits until it serves. `code` is the set-up code that it prints.
 *
 * @param {Record<string, string>} [settings]
 */
export async function startServer(settings = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'tableorder-browser-'));
  const environment = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    APP_ENV: 'local',
    HOST: '127.0.0.1',
    PORT: '0',
    DATA_DIR: join(directory, 'data'),
    LOG_FILE: 'off',
    LOG_LEVEL: 'warn',
    // Most tests sign in as the same owner.
    LOGIN_SUCCESSES_PER_ACCOUNT_PER_HOUR: '10000',
    ...settings,
  };
  const child = spawn(PROGRAM, [], { cwd: directory, env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    // The database of a server started by root is elsewhere, and this is a link to it.
    const database = join(directory, 'data/postgres');
    if (existsSync(database)) rmSync(realpathSync(database), { recursive: true, force: true });
    rmSync(directory, { recursive: true, force: true });
  };
  const lines = createInterface({ input: child.stdout });
  /** @param {RegExp} pattern */
  const printed = (pattern) =>
    new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        const found = pattern.exec(line)?.[1];
        if (found) resolve(found);
      });
      ended.then(() => reject(new Error(`${PROGRAM} ended before it served`)));
    });
  const [port, code] = await Promise.all([printed(/serving on http:\/\/localhost:(\d+)/), printed(/localhost:\d+\/setup#([0-9a-f-]+)/)]);
  return { base: `http://127.0.0.1:${port}`, port, code, stop };
}
