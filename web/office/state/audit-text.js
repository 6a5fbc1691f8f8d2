// The entries of the audit log as text.
import { hasText, language, t } from '../../lib/i18n.js';
import { formatMoney } from '../../lib/money.js';
import { dateTime } from '../../lib/time.js';
import { menu } from './lists.js';

/** Every action of the log, in the order of the filter. */
export const ACTIONS = [
  'menu.created', 'menu.updated', 'menu.deleted', 'menu.reordered',
  'category.created', 'category.updated', 'category.deleted', 'category.reordered',
  'table.created', 'table.updated', 'table.deleted',
  'device.revoked', 'device.renewed',
  'user.created', 'user.updated', 'user.deleted', 'user.password_changed',
  'session.completed', 'session.reopened',
  'order.deleted', 'order.restored',
  'demo.removed',
  'user.login', 'user.login_failed', 'user.logout', 'table.login', 'table.login_failed',
];

const MONEY = ['price', 'total_amount'];
const TIMES = ['completed_at', 'paired_at', 'last_seen_at', 'revoked_at'];

/** The order in which fields are shown; the server's is alphabetical. */
const FIELDS = [
  'name', 'store_name', 'store_id', 'username', 'role', 'has_new_password', 'order_number', 'table_number', 'status', 'items', 'price', 'total_amount',
  'order_count', 'unfinished_count', 'description', 'image_url', 'category_id', 'is_available', 'display_order',
];

/** Ids that another field already shows in readable form. */
const HIDDEN = ['table_id'];

/** @typedef {Record<string, any>} Snapshot */

/**
 * The name of the entry's subject; empty if the entry does not contain it.
 *
 * @param {import('wire').AuditEntry} entry
 */
export function subjectOf({ action, before, after, subject_id }) {
  const { name, store_name, username, table_number, order_number } = /** @type {Snapshot} */ ({ ...before, ...after });
  if (action === 'menu.reordered') return categoryName(subject_id);
  if (order_number) return t('orders.number', { number: order_number });
  if (table_number) return t('app.table', { number: table_number });
  return name ?? store_name ?? username ?? '';
}

/**
 * The fields that differ, with their values as text; null if the snapshot does not have the field.
 *
 * @param {import('wire').AuditEntry} entry
 */
export function changesOf({ action, before, after }) {
  const [old, current] = /** @type {(Snapshot | null)[]} */ ([before, after]);
  const fields = [...new Set([...FIELDS, ...Object.keys(old ?? {}), ...Object.keys(current ?? {})])];
  return fields
    .filter((field) => !HIDDEN.includes(field) && JSON.stringify(old?.[field]) !== JSON.stringify(current?.[field]))
    // `has_new_password` is only in `after`, and interesting only if it is true.
    .filter((field) => field !== 'has_new_password' || current?.[field])
    .filter((field) => field !== 'unpaired_device_ids' || current?.[field].length > 0)
    // The position is interesting only if it was changed.
    .filter((field) => field !== 'display_order' || (old && current))
    .map((field) => ({ field: label(field), before: valueIn(old, field, action), after: valueIn(current, field, action) }));
}

/** @param {string} field */
function label(field) {
  const key = `office.field.${field}`;
  return hasText(key) ? t(key) : field;
}

/**
 * @param {Snapshot | null} snapshot
 * @param {string} field
 * @param {string} action
 */
function valueIn(snapshot, field, action) {
  if (!snapshot || !(field in snapshot)) return null;
  const value = snapshot[field];
  if (value === null || value === '') return t('office.audit.none');
  if (MONEY.includes(field)) return formatMoney(value, language.value);
  if (TIMES.includes(field)) return dateTime(value, language.value);
  switch (field) {
    case 'role':
      return t(`office.role.${value}`);
    case 'status':
      return t(`status.${value}`);
    case 'category_id':
      return categoryName(value);
    case 'is_available':
      return t(value ? 'office.item.on_sale' : 'menu.soldout');
    case 'ids':
      return value.map((/** @type {number} */ id) => (action === 'menu.reordered' ? itemName(id) : categoryName(id))).join(', ');
    case 'items':
      return value.map((/** @type {Snapshot} */ item) => `${item.menu_name} ${item.quantity}`).join(', ');
    case 'unpaired_device_ids':
      return value.map((/** @type {number} */ id) => t('office.device', { id })).join(', ');
    default:
      return typeof value === 'boolean' ? t(value ? 'office.yes' : 'office.no') : String(value);
  }
}

/** @param {number | null} id */
function categoryName(id) {
  return menu.data.value?.categories.find((one) => one.id === id)?.name ?? `#${id}`;
}

/** @param {number} id */
function itemName(id) {
  return menu.data.value?.items.find((one) => one.id === id)?.name ?? `#${id}`;
}
