import { changed, useForm } from '../lib/form.js';
import { language, t } from '../lib/i18n.js';
import { formatMoney } from '../lib/money.js';
import { plainNumber } from '../lib/number.js';
import { html, useRef } from '../lib/preact.js';
import { randomKey } from '../lib/random.js';
import { Field } from '../ui/field.js';
import { FormDialog } from '../ui/form-dialog.js';
import { SelectField } from '../ui/select-field.js';
import { toast } from '../ui/toast.js';
import { ImagePreview } from './image-preview.js';
import { explain, request } from './state/account.js';
import { menu, readNow, replaced } from './state/lists.js';

/** @typedef {{ name: string, price: string, category_id: string, description: string, image_url: string }} Values */

/**
 * Adds or changes an item.
 *
 * @param {{ item: import('wire').MenuItem | null, category: number, onClose: () => void }} props
 */
export function ItemDialog({ item, category, onClose }) {
  const attempt = useRef({ content: '', key: '' });
  const categories = menu.data.value?.categories ?? [];
  const form = useForm({
    initial: item ? toValues(item) : { name: '', price: '', category_id: String(category || categories[0]?.id || ''), description: '', image_url: '' },
    check,
    current: async () => {
      const now = (await readNow(menu))?.items.find(({ id }) => id === item?.id);
      return now ? toValues(now) : null;
    },
    explain,
    save: async (values, initial) => {
      const body = item ? changed(toBody(initial), toBody(values)) : toBody(values);
      /** @type {import('wire').MenuItem} */
      const saved = item ? await request('PATCH', `/admin/menus/${item.id}`, body) : await add(body, attempt.current);
      menu.update((data) => ({ ...data, items: replaced(data.items, saved) }));
      toast(t('office.saved', { name: saved.name }));
    },
    done: onClose,
  });
  const options = categories.map(({ id, name }) => ({ value: String(id), text: name }));
  return html`<${FormDialog} title=${item ? t('office.edit_of', { name: item.name }) : t('office.item.add')} form=${form} submit=${t('office.save')} onClose=${onClose}>
    <${Field} label=${t('office.item.name')} autofocus=${!item} ...${form.field('name')} />
    <${Field} label=${t('office.item.price')} inputMode="numeric" ...${form.field('price')} />
    <${SelectField} label=${t('office.item.category')} options=${options} ...${form.field('category_id')} />
    <${Field} label=${t('office.item.description')} rows=${3} ...${form.field('description')} />
    <${Field} label=${t('office.item.image')} inputMode="url" hint=${t('office.item.image.hint')} ...${form.field('image_url')} />
    <${ImagePreview} url=${form.values.image_url.trim()} />
  <//>`;
}

/**
 * Adds an item. If the same content is sent again after a lost response, it is added only once.
 *
 * @param {object} body
 * @param {{ content: string, key: string }} attempt the last attempt
 */
function add(body, attempt) {
  const content = JSON.stringify(body);
  if (attempt.content !== content) Object.assign(attempt, { content, key: randomKey() });
  return request('POST', '/admin/menus', body, { 'Idempotency-Key': attempt.key });
}

/** @param {import('wire').MenuItem} item @returns {Values} */
function toValues({ name, price, category_id, description, image_url }) {
  return { name, price: String(price), category_id: String(category_id), description: description ?? '', image_url: image_url ?? '' };
}

/** @param {Values} values */
function check({ name, price, image_url }) {
  return {
    name: name.trim() ? '' : t('required'),
    price: !price.trim() ? t('required') : priceError(toPrice(price)),
    image_url: isAddress(image_url.trim()) ? '' : t('office.item.image.wrong'),
  };
}

/** The highest price that the server accepts. */
const MOST = 100_000_000;

/** @param {string} text with or without separators of thousands @returns {number | null} null if it is not a number */
function toPrice(text) {
  const digits = plainNumber(text).replace(/원$/, '');
  return /^\d+$/.test(digits) ? Number(digits) : null;
}

/** @param {number | null} price */
function priceError(price) {
  if (price === null) return t('office.item.price.wrong');
  return price > MOST ? t('office.item.price.high', { most: formatMoney(MOST, language.value) }) : '';
}

/** @param {string} text */
function isAddress(text) {
  return text === '' || /^https?:\/\/[^/\s]\S*$/.test(text);
}

/** @param {Values} values */
function toBody({ name, price, category_id, description, image_url }) {
  return {
    name: name.trim(),
    price: toPrice(price),
    category_id: Number(category_id),
    description: description.trim() || null,
    image_url: image_url.trim() || null,
  };
}
