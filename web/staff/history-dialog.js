import { asApiError } from '../lib/api.js';
import { language, t } from '../lib/i18n.js';
import { html, useEffect, useSignal } from '../lib/preact.js';
import { clockTime } from '../lib/time.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/field.js';
import { Money } from '../ui/money.js';
import { Empty, Failure, Loading } from '../ui/states.js';
import { request } from './state/account.js';

/** The past orders of a table, by business day. @param {{ table: import('wire').DashboardTable, onClose: () => void }} props */
export function HistoryDialog({ table, onClose }) {
  const from = useSignal('');
  const to = useSignal('');
  const orders = useSignal(/** @type {import('wire').PastOrder[] | null} */ (null));
  const cursor = useSignal(/** @type {string | null} */ (null));
  const error = useSignal(/** @type {import('../lib/api.js').ApiError | null} */ (null));

  /** @param {string} [after] */
  const load = async (after) => {
    const days = `${from.value && `&date_from=${from.value}`}${to.value && `&date_to=${to.value}`}`;
    const wanted = `/admin/tables/${table.id}/history?limit=50${days}${after ? `&cursor=${after}` : ''}`;
    error.value = null;
    if (!after) orders.value = null;
    try {
      const page = await request('GET', wanted);
      orders.value = [...(after ? (orders.value ?? []) : []), ...page.orders];
      cursor.value = page.next_cursor;
    } catch (thrown) {
      error.value = asApiError(thrown);
    }
  };
  useEffect(() => {
    load();
  }, [from.value, to.value]);

  const set = (/** @type {import('../vendor/signals.mjs').Signal<string>} */ signal) => (/** @type {string} */ value) => {
    signal.value = value;
  };
  return html`<${Dialog} class="steady table-dialog" title=${t('staff.history.title', { number: table.table_number })} onClose=${onClose}>
    <div class="days">
      <${Field} type="date" label=${t('staff.history.from')} value=${from.value} onInput=${set(from)} />
      <${Field} type="date" label=${t('staff.history.to')} value=${to.value} onInput=${set(to)} />
    </div>
    ${error.value && html`<${Failure} title=${t('orders.failed')} error=${error.value} onRetry=${() => load()} />`}
    ${!orders.value && !error.value && html`<${Loading} />`}
    ${orders.value?.length === 0 && html`<${Empty} title=${t('staff.history.empty')} />`}
    ${byDay(orders.value ?? []).map(([day, some]) => html`<section key=${day} class="day">
      <h3>${day}</h3>
      ${some.map((order) => html`<article key=${order.id} class="order">
        <header class="order-head"><h4>${t('orders.number', { number: order.order_number.split('-')[1] ?? '' })}</h4>
          <time class="muted" datetime=${order.ordered_at}>${clockTime(order.ordered_at, language.value)}</time>
          <p class="order-sum"><${Money} amount=${order.total_amount} /></p></header>
        <p>${order.items.map((item) => `${item.menu_name} ${item.quantity}`).join(', ')}</p>
      </article>`)}
    </section>`)}
    ${cursor.value && html`<${Button} onPress=${() => load(cursor.value ?? '')}>${t('staff.history.more')}<//>`}
  <//>`;
}

/** The business day is in the number of the order. @param {import('wire').PastOrder[]} orders */
function byDay(orders) {
  /** @type {Map<string, import('wire').PastOrder[]>} */
  const days = new Map();
  for (const order of orders) {
    const day = order.order_number.replace(/^(\d{4})(\d{2})(\d{2})-.*$/, '$1-$2-$3');
    days.set(day, [...(days.get(day) ?? []), order]);
  }
  return [...days];
}
