import { t } from '../lib/i18n.js';
import { html, useEffect, useSignal } from '../lib/preact.js';
import { close, view } from '../lib/view.js';
import { Empty, Failure, Loading } from '../ui/states.js';
import { CompleteDialog } from './complete-dialog.js';
import { FilterBar, passes } from './filter-bar.js';
import { Header } from './header.js';
import { HistoryDialog } from './history-dialog.js';
import { failure, start, tables, unseen } from './state/board.js';
import { TableCard } from './table-card.js';
import { TableDialog } from './table-dialog.js';

/** Every table at its place, with what goes on there. */
export function Board() {
  const filter = useSignal('all');
  useEffect(() => {
    if (tables.peek() === null) start();
  }, []);
  const all = tables.value ?? [];
  const shown = all.filter((table) => passes(table, filter.value));
  const hidden = unseen.value.filter(({ table }) => all.some(({ id }) => id === table) && !shown.some(({ id }) => id === table));
  return html`<${Header} />
    <main class="board">
      <${FilterBar} filter=${filter} tables=${all} hidden=${hidden.length} />
      ${content(shown)}
    </main>
    ${dialog()}`;
}

/** @param {import('wire').DashboardTable[]} shown */
function content(shown) {
  if (tables.value === null) {
    return failure.value && failure.value.status !== 401
      ? html`<${Failure} title=${t('staff.failed')} error=${failure.value} onRetry=${start} />`
      : html`<${Loading} />`;
  }
  if (shown.length === 0) return html`<${Empty} title=${t('staff.empty')} />`;
  return html`<ul class="tables">${shown.map((table) => html`<li key=${table.id}><${TableCard} table=${table} /></li>`)}</ul>`;
}

function dialog() {
  const { name, id } = view.value;
  const table = tables.value?.find((one) => one.id === Number(id));
  if (!table) return null;
  switch (name) {
    case 'table':
      return html`<${TableDialog} key=${`table-${id}`} table=${table} onClose=${close} />`;
    case 'complete':
      return html`<${CompleteDialog} key=${`complete-${id}`} table=${table} onClose=${close} />`;
    case 'history':
      return html`<${HistoryDialog} key=${`history-${id}`} table=${table} onClose=${close} />`;
    default:
      return null;
  }
}
