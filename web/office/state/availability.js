// The sold-out switches. A switch changes at once, and changes back if the request fails.
import { asApiError } from '../../lib/api.js';
import { t } from '../../lib/i18n.js';
import { batch, signal } from '../../lib/preact.js';
import { announce } from '../../ui/toast.js';
import { explain, request } from './account.js';
import { menu } from './lists.js';

/**
 * The requested values that are not answered yet, by item id.
 *
 * @type {import('../../vendor/signals.mjs').Signal<Map<number, boolean>>}
 */
export const wanted = signal(new Map());

/** Why the last change of an item failed. @type {import('../../vendor/signals.mjs').Signal<Map<number, string>>} */
export const failures = signal(new Map());

/**
 * @param {import('wire').MenuItem} item
 * @param {boolean} isAvailable
 */
export async function setAvailable(item, isAvailable) {
  if (wanted.peek().has(item.id)) return;
  batch(() => {
    wanted.value = new Map([...wanted.value, [item.id, isAvailable]]);
    dismiss(item.id);
  });
  try {
    /** @type {import('wire').MenuItem} */
    const changed = await request('PATCH', `/admin/menus/${item.id}`, { is_available: isAvailable });
    batch(() => {
      menu.update(({ categories, items }) => ({ categories, items: items.map((one) => (one.id === item.id ? changed : one)) }));
      settle(item.id);
    });
    announce(t(isAvailable ? 'office.item.now_on_sale' : 'office.item.now_sold_out', { name: item.name }));
  } catch (thrown) {
    const error = asApiError(thrown);
    batch(() => {
      failures.value = new Map([...failures.value, [item.id, t('office.item.switch_failed', { reason: explain(error) })]]);
      settle(item.id);
    });
    // The server may have made the change although no answer arrived.
    if (error.isTemporary) menu.load();
  }
}

/** @param {number} id */
function settle(id) {
  wanted.value = new Map([...wanted.value].filter(([one]) => one !== id));
}

/** @param {number} id */
export function dismiss(id) {
  if (failures.value.has(id)) failures.value = new Map([...failures.value].filter(([one]) => one !== id));
}
