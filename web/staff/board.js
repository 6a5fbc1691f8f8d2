import { t } from '../lib/i18n.js';
import { batch, html, useEffect, useLayoutEffect, useSignal } from '../lib/preact.js';
import { close, open, view } from '../lib/view.js';
import { Empty, Failure, Loading } from '../ui/states.js';
import { CompleteDialog } from './complete-dialog.js';
import { FilterBar } from './filter-bar.js';
import { Header } from './header.js';
import { HistoryDialog } from './history-dialog.js';
import { MenuDialog } from './menu-dialog.js';
import { failure, start, tables, unseen } from './state/board.js';
import { useFiltered } from './state/filter.js';
import { TableCard } from './table-card.js';
import { TableDialog } from './table-dialog.js';

/** The cards of the tables. */
export function Board() {
  const choice = useSignal({ filter: 'all' });
  const target = useSignal(0);
  useEffect(() => {
    if (tables.peek() === null) start();
  }, []);
  useLayoutEffect(() => {
    const button = target.value && document.querySelector(`#table-${target.value} .card-open`);
    if (!(button instanceof HTMLElement)) return;
    button.scrollIntoView({ block: 'center' });
    button.focus({ preventScroll: true });
    target.value = 0;
  }, [target.value]);
  const all = (tables.value ?? []).filter(({ isDeleted }) => !isDeleted);
  const shown = useFiltered(tables.value ?? [], choice.value);
  const fresh = unseen.value.filter(({ table }) => all.some(({ id }) => id === table));
  const show = () =>
    batch(() => {
      const table = all.find(({ id }) => id === fresh[0]?.table);
      if (!table) return;
      if (!shown.includes(table)) choice.value = { filter: 'all' };
      target.value = table.id;
    });
  return html`<header class="board-top">
      <${Header} />
      <${FilterBar} choice=${choice} tables=${all} fresh=${fresh} onShow=${show} />
    </header>
    <main class="board">${content(shown)}</main>
    ${dialog()}`;
}

/** @param {import('./state/board.js').Table[]} shown */
function content(shown) {
  if (tables.value === null) {
    return failure.value && failure.value.status !== 401
      ? html`<${Failure} title=${t('staff.failed')} error=${failure.value} onRetry=${start} />`
      : html`<${Loading} />`;
  }
  if (shown.length === 0) return html`<${Empty} title=${t('staff.empty')} />`;
  return html`<ul class="tables">${shown.map((table) => html`<li key=${table.id} id=${`table-${table.id}`}><${TableCard} table=${table} /></li>`)}</ul>`;
}

function dialog() {
  const { name, id } = view.value;
  if (name === 'menu') return html`<${MenuDialog} onClose=${close} />`;
  const table = tables.value?.find((one) => one.id === Number(id));
  if (!table) return null;
  const back = () => open('table', id);
  switch (name) {
    case 'table':
      return html`<${TableDialog} key=${`table-${id}`} table=${table} onClose=${close} />`;
    case 'complete':
      return html`<${CompleteDialog} key=${`complete-${id}`} table=${table} onClose=${back} onDone=${close} />`;
    case 'history':
      return html`<${HistoryDialog} key=${`history-${id}`} table=${table} onClose=${back} />`;
    default:
      return null;
  }
}
