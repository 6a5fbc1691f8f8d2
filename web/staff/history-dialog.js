import { asApiError } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { html, useEffect, useRef, useSignal } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/field.js';
import { Empty, Failure, Loading } from '../ui/states.js';
import { PastDay, groups } from './past-day.js';
import { request } from './state/account.js';

/** The past orders of a table, by business day. @param {{ table: import('wire').DashboardTable, onClose: () => void }} props */
export function HistoryDialog({ table, onClose }) {
  const from = useSignal('');
  const to = useSignal('');
  const orders = useSignal(/** @type {import('wire').PastOrder[] | null} */ (null));
  const cursor = useSignal(/** @type {string | null} */ (null));
  const error = useSignal(/** @type {import('../lib/api.js').ApiError | null} */ (null));
  const isLoading = useSignal(false);
  const loads = useRef(0);

  /** @param {string} [after] */
  const load = async (after) => {
    const days = `${from.value && `&date_from=${from.value}`}${to.value && `&date_to=${to.value}`}`;
    const wanted = `/admin/tables/${table.id}/history?limit=50${days}${after ? `&cursor=${after}` : ''}`;
    loads.current += 1;
    const own = loads.current;
    isLoading.value = true;
    error.value = null;
    if (!after) {
      orders.value = null;
      cursor.value = null;
    }
    try {
      const page = await request('GET', wanted);
      // Other days were chosen since the request was sent.
      if (own !== loads.current) return;
      orders.value = [...(after ? (orders.value ?? []) : []), ...page.orders];
      cursor.value = page.next_cursor;
    } catch (thrown) {
      if (own === loads.current) error.value = asApiError(thrown);
    } finally {
      if (own === loads.current) isLoading.value = false;
    }
  };
  const isReversed = from.value !== '' && to.value !== '' && from.value > to.value;
  useEffect(() => {
    if (!isReversed) load();
  }, [from.value, to.value]);
  const days = isReversed ? [] : groups(orders.value ?? [], dayOf);

  const set = (/** @type {import('../vendor/signals.mjs').Signal<string>} */ signal) => (/** @type {string} */ value) => {
    signal.value = value;
  };
  return html`<${Dialog} class="steady table-dialog" title=${t('staff.history.title', { number: table.table_number })} onClose=${onClose}>
    <div class="days">
      <${Field} type="date" label=${t('staff.history.from')} value=${from.value} onInput=${set(from)} />
      <${Field} type="date" label=${t('staff.history.to')} value=${to.value} onInput=${set(to)}
        error=${isReversed ? t('staff.history.reversed') : ''} />
    </div>
    ${!isReversed && state()}
    ${days.map(([day, some], n) => html`<${PastDay} key=${day} day=${day} orders=${some} isWhole=${!cursor.value || n < days.length - 1} />`)}
    ${!isReversed && cursor.value && more()}
  <//>`;

  function state() {
    if (!orders.value) return error.value ? html`<${Failure} title=${t('orders.failed')} error=${error.value} onRetry=${() => load()} />` : html`<${Loading} />`;
    return orders.value.length === 0 && html`<${Empty} title=${t('staff.history.empty')} />`;
  }

  function more() {
    const loadMore = () => load(cursor.value ?? '');
    if (error.value) return html`<${Failure} title=${t('orders.failed')} error=${error.value} onRetry=${loadMore} />`;
    return html`<${Button} isBusy=${isLoading.value} onPress=${loadMore}>${t('more')}<//>`;
  }
}

/** The order number contains the business day. @param {import('wire').PastOrder} order */
function dayOf({ order_number }) {
  return order_number.replace(/^(\d{4})(\d{2})(\d{2})-.*$/, '$1-$2-$3');
}
