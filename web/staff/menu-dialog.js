import { t } from '../lib/i18n.js';
import { search, sectionsOf } from '../lib/menu-sections.js';
import { html, useLayoutEffect, useRef, useSignal } from '../lib/preact.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/field.js';
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
  const query = useSignal('');
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
  return html`<${Dialog} class="steady" title=${t('staff.menu')} onClose=${onClose} footer=${footer}>${content(first.current, now, query)}<//>`;
}

/**
 * @param {Menu | null} first
 * @param {Menu | null} now
 * @param {import('../vendor/signals.mjs').Signal<string>} query
 */
function content(first, now, query) {
  const { value: error } = menu.error;
  if (!first || !now) return error && error.status !== 401 ? html`<${Failure} title=${t('menu.failed')} error=${error} onRetry=${menu.load} />` : html`<${Loading} />`;
  if (first.items.length === 0) return html`<${Empty} title=${t('staff.menu.empty')} />`;
  const matches = search(query.value);
  const sections = sectionsOf(first).map(({ category, items }) => ({ category, items: items.filter(({ name }) => matches(name)) })).filter(({ items }) => items.length > 0);
  return html`<div role="search">
      <${Field} type="search" label=${t('staff.menu.search')} value=${query.value} onInput=${(/** @type {string} */ text) => (query.value = text)} />
    </div>
    ${sections.map(({ category, items }) => section(category, items, now))}
    ${sections.length === 0 && html`<${Empty} title=${t('staff.menu.nothing')} />`}`;
}

/**
 * @param {import('wire').Category | null} category
 * @param {import('wire').MenuItem[]} items
 * @param {Menu} now
 */
function section(category, items, now) {
  const name = category?.name ?? t('menu.rest');
  return html`<section key=${category?.id ?? 0} class="menu-group" aria-label=${name}>
    <h3>${name}</h3>
    <ul>${items.map((item) => row(item, now.items.find(({ id }) => id === item.id)))}</ul>
  </section>`;
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
