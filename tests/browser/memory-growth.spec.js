import { expect, Tablet, test as base } from './support/fixtures.js';
import { Guest } from './support/guest.js';
import { signIn } from './support/sign-in.js';
import { startStreams } from './support/streams.js';

/** In this time V8 compiles the functions that are called often. The compiled code is part of the heap. */
const WARM_UP_HOURS = 2;
const HOURS = 10;
const EVENTS_IN_HOUR = 1_000;
const MOST_GROWTH = 1.2;

const test = base.extend({
  streams: async ({ server, complaints }, use) => {
    const streams = await startStreams(server.base);
    complaints.allow(streams.base);
    await use(streams);
    streams.stop();
  },
});

/** The events of successive parties at a table, in the server's format. */
function hour({ id: table_id, number: table_number }, isReceived = () => true) {
  const session_id = 1_000_000;
  const items = [{ menu_name: '김치찌개', quantity: 2, subtotal: 18_000 }, { menu_name: '콜라', quantity: 1, subtotal: 2_000 }];
  const common = { table_number, items, total_amount: 20_000, status: 'pending', created_at: '2026-11-20T18:00:00Z', session_id, table_id };
  const party = (_, index) => {
    const [first, second] = [1, 2].map((n) => {
      const order_id = session_id + 2 * index + n;
      return { order_id, order_number: `20261120-${order_id}`, ...common };
    });
    const updated = ({ order_id }, status) => ['order_updated', { order_id, status, table_id, session_id }];
    return [
      ['new_order', first],
      updated(first, 'preparing'),
      ['new_order', second],
      ['order_deleted', { order_id: second.order_id, table_id, session_id }],
      ['order_restored', second],
      updated(first, 'completed'),
      ['menu_changed', { menu_version: 1 }],
      updated(second, 'preparing'),
      ['limit_reached', { limit: 'session_orders_per_second', maximum: 1, session_id, table_id, table_number }],
      ended({ id: table_id }, session_id),
    ];
  };
  return Array.from({ length: EVENTS_IN_HOUR }, party).flat().filter(isReceived).slice(0, EVENTS_IN_HOUR);
}

const ended = (table, session_id) => ['session_completed', { session_id, message: '이용이 완료되었습니다.', table_id: table.id }];

/** The page's heap size, nodes and listeners after a garbage collection. */
async function measure(page) {
  const browser = await page.context().newCDPSession(page);
  await browser.send('Performance.enable');
  // Objects that a finalizer releases are collected only by the next collection.
  for (let n = 0; n < 3; n += 1) await browser.send('HeapProfiler.collectGarbage');
  const { metrics } = await browser.send('Performance.getMetrics');
  await browser.detach();
  const value = (name) => metrics.find((metric) => metric.name === name).value;
  return { heap: value('JSHeapUsedSize'), nodes: value('Nodes'), listeners: value('JSEventListeners') };
}

/** Measures before and after a night of `HOURS`, in which the page receives 1,000 events and 50 reconnects an hour. */
async function doesNotGrow(page, streams, liveOneHour) {
  const live = async () => {
    await page.clock.fastForward('01:00:00');
    await liveOneHour();
  };
  for (let n = 0; n < WARM_UP_HOURS; n += 1) await live();
  const before = await measure(page);
  const connections = streams.connections();
  for (let n = 0; n < HOURS; n += 1) await live();
  const after = await measure(page);
  expect(streams.connections() - connections).toBeGreaterThanOrEqual(HOURS * 50);
  for (const what of Object.keys(before)) expect(after[what] / before[what], what).toBeLessThan(MOST_GROWTH);
}

test.describe('the memory of a page that is open all night', () => {
  // Half a minute on a quiet machine.
  test.setTimeout(300_000);

  test('does not grow: staff', async ({ page, server, staff, table, streams }) => {
    const events = hour(table);
    const dialog = page.getByRole('dialog');
    await page.clock.install();
    await signIn(page, `${streams.base}/staff`);
    await doesNotGrow(page, streams, async () => {
      const { id } = await (await Guest.login(server.base, table)).order();
      await streams.send(events);
      await page.getByRole('button', { name: `${table.number}번 테이블`, exact: true }).click();
      await expect(dialog.locator('.order')).toHaveCount(1);
      await page.keyboard.press('Escape');
      await expect(dialog).toHaveCount(0);
      for (const status of ['preparing', 'completed']) await staff.call('PATCH', `/admin/orders/${id}/status`, { status });
      await staff.complete(table);
    });
  });

  test('does not grow: guest', async ({ page, staff, table, streams, complaints }) => {
    const events = hour(table, ([name]) => name !== 'limit_reached' && name !== 'session_completed');
    const tablet = new Tablet(page, streams.base, table, complaints);
    await page.clock.install();
    await tablet.pair();
    await doesNotGrow(page, streams, async () => {
      await tablet.add('콜라');
      await tablet.order();
      await tablet.isPlaced();
      await tablet.close();
      await streams.send(events);
      const { session_id } = await staff.complete(table);
      await streams.send([ended(table, session_id)]);
      await page.getByRole('button', { name: '새로 시작하기' }).click();
      await tablet.isReady();
    });
  });
});
