import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { ConfirmDialog } from '../ui/confirm-dialog.js';
import { toast } from '../ui/toast.js';
import { CategoryDialog } from './category-dialog.js';
import { ItemDialog } from './item-dialog.js';
import { useKept } from './kept.js';
import { ReorderDialog } from './reorder-dialog.js';
import { explain, request } from './state/account.js';
import { menu } from './state/lists.js';
import { closeDialog, dialog } from './state/live.js';

/** The dialog that is open over the menu. @param {{ menu: import('./state/lists.js').Menu }} props */
export function MenuDialogs({ menu: { categories, items } }) {
  const { kind, id } = dialog();
  const isOfItem = kind === 'item' || kind === 'delete_item';
  const item = useKept(`item-${id}`, isOfItem ? items.find((one) => one.id === id) : undefined);
  const category = useKept(`category-${id}`, isOfItem ? undefined : categories.find((one) => one.id === id));
  const key = `${kind}-${id}`;
  switch (kind) {
    case 'new_item':
      return html`<${ItemDialog} key=${key} item=${null} category=${id} onClose=${closeDialog} />`;
    case 'item':
      return item && html`<${ItemDialog} key=${key} item=${item} category=${item.category_id} onClose=${closeDialog} />`;
    case 'delete_item':
      return item && remove(key, item.name, 'office.item.delete_text', async () => {
        await request('DELETE', `/admin/menus/${id}`);
        menu.update((data) => ({ ...data, items: data.items.filter((one) => one.id !== id) }));
      });
    case 'category':
      return (id === 0 || category) && html`<${CategoryDialog} key=${key} category=${category ?? null} onClose=${closeDialog} />`;
    case 'delete_category':
      return category && remove(key, category.name, 'office.category.delete_text', async () => {
        await request('DELETE', `/admin/categories/${id}`);
        menu.update((data) => ({ ...data, categories: data.categories.filter((one) => one.id !== id) }));
      }, items.some((one) => one.category_id === id) ? t('office.error.CATEGORY_HAS_MENUS') : '');
    case 'reorder':
      return category && html`<${ReorderDialog} key=${key} title=${t('office.reorder_of', { name: category.name })} onClose=${closeDialog}
        read=${() => menu.data.peek()?.items.filter((one) => one.category_id === id) ?? []} save=${(/** @type {number[]} */ ids) => saveItems(id, ids)} />`;
    case 'reorder_categories':
      return html`<${ReorderDialog} key=${key} title=${t('office.category.reorder')} onClose=${closeDialog}
        read=${() => menu.data.peek()?.categories ?? []} save=${saveCategories} />`;
    default:
      return null;
  }
}

/**
 * @param {string} key
 * @param {string} name
 * @param {'office.item.delete_text' | 'office.category.delete_text'} text
 * @param {() => Promise<any>} act
 * @param {string} [refusal] why it cannot be deleted
 */
function remove(key, name, text, act, refusal) {
  const confirmed = async () => {
    await act();
    toast(t('office.deleted', { name }));
  };
  return html`<${ConfirmDialog} key=${key} title=${t('office.delete_of', { name })} text=${t(text)} refusal=${refusal} confirm=${t('office.delete')}
    onConfirm=${confirmed} explain=${explain} onClose=${closeDialog} />`;
}

/** @param {number} category @param {number[]} ids */
async function saveItems(category, ids) {
  /** @type {import('wire').MenuList} */
  const { menus } = await request('PUT', '/admin/menus/order', { category_id: category, ids });
  menu.update((data) => ({ ...data, items: [...data.items.filter((one) => one.category_id !== category), ...menus] }));
}

/** @param {number[]} ids */
async function saveCategories(ids) {
  /** @type {import('wire').CategoryList} */
  const { categories } = await request('PUT', '/admin/categories/order', { ids });
  menu.update((data) => ({ ...data, categories }));
}
