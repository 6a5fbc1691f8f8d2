// The sold-out switches of the menu.
import { Availability } from '../../lib/availability.js';
import { t } from '../../lib/i18n.js';
import { announce } from '../../ui/toast.js';
import { explain, request } from './account.js';
import { menu } from './lists.js';

export const { wanted, failures, setAvailable, dismiss } = new Availability({
  request,
  menu,
  onChanged: ({ name }, isAvailable) => announce(t(isAvailable ? 'office.item.now_on_sale' : 'office.item.now_sold_out', { name })),
  explain: ({ name }, error) => t('office.item.switch_failed', { name, reason: explain(error) }),
});

export function reset() {
  failures.value = new Map();
}
