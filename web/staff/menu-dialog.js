import { t } from '../lib/i18n.js';
import { html, useLayoutEffect, useRef } from '../lib/preact.js';
import { Dialog } from '../ui/dialog.js';
import { Empty, Failure, Loading } from '../ui/states.js';
import { Switch } from '../ui/switch.js';
import { failures, menu, setAvailable, wanted } from './state/menu.js';

/** @typedef {import('./state/menu.js').Menu} Menu */

/**
 * The sold-out switches of the menu items that existed when the dialog was opened, so that none moves.
 *
 * @param {{ onClose: () => void }} props
 */
export function MenuDialog({ onClose }) {
  const first = useRef(/** @type {Menu | null} */ (null));
  useLayoutEffect(() => {
    failures.value = new Map();
    menu.load();
  }, []);
  const now = menu.data.value;
  first.current ??= now;
  const soldOut = (now?.items ?? []).filter((item) => !isAvailable(item)).length;
  const failure = [...failures.value.values()].at(-1);
  const footer = html`<div class="menu-foot">
    ${failure ? html`<p class="alert" role="alert">${failure.text}</p>` : now && html`<p>${t('staff.menu.count', { count: soldOut })}</p>`}
  </div>`;
  return html`<${Dialog} class="steady" title=${t('staff.menu')} onClose=${onClose} footer=${footer}>${content(first.current, now)}<//>`;
}

/**
 * @param {Menu | null} first
 * @param {Menu | null} now
 */
function content(first, now) {
  const { value: error } = menu.error;
  if (!first || !now) return error && error.status !== 401 ? html`<${Failure} title=${t('menu.failed')} error=${error} onRetry=${menu.load} />` : html`<${Loading} />`;
  if (first.items.length === 0) return html`<${Empty} title=${t('staff.menu.empty')} />`;
  return first.categories.map(({ id, name }) => html`<section key=${id} class="menu-group" aria-label=${name}>
    <h3>${name}</h3>
    <ul>${first.items.filter((item) => item.category_id === id).map((item) => row(item, now.items.find((one) => one.id === item.id)))}</ul>
  </section>`);
}

/**
 * @param {import('wire').MenuItem} before
 * @param {import('wire').MenuItem} [item] the current item, unless it was deleted
 */
function row(before, item) {
  if (!item) return html`<li key=${before.id} class="muted"><s>${before.name}</s></li>`;
  return html`<li key=${item.id}>
    <span>${item.name}</span>
    <${Switch} isOn=${isAvailable(item)} isBusy=${wanted.value.has(item.id)} label=${t('staff.menu.switch', { name: item.name })}
      text=${t(isAvailable(item) ? 'staff.menu.on_sale' : 'menu.soldout')} onPress=${() => setAvailable(item, !isAvailable(item))} />
  </li>`;
}

/** @param {import('wire').MenuItem} item */
function isAvailable({ id, is_available }) {
  return wanted.value.get(id) ?? is_available;
}
