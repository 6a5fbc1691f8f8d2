import { t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { Field } from '../ui/field.js';
import { SelectField } from '../ui/select-field.js';
import { refusedFields } from './state/flow.js';
import { progress, update } from './state/progress.js';
import { StepForm } from './step-form.js';

/**
 * The options of a select, including the chosen value.
 *
 * @param {string[]} values
 * @param {string} chosen
 */
const options = (values, chosen) =>
  (values.includes(chosen) ? values : [chosen, ...values]).map((value) => ({ value, text: value }));

/** The hours at which a business day may begin. */
const HOURS = Array.from({ length: 13 }, (_, hour) => `${String(hour).padStart(2, '0')}:00`);

const ZONES = 'supportedValuesOf' in Intl ? Intl.supportedValuesOf('timeZone') : [];

/** The store codes that the server accepts. */
const CODE = /^[a-z0-9-]{2,50}$/;

export function StoreForm() {
  const { store } = progress.value;
  const tries = useSignal(Object.keys(refusedFields.value).length > 0 ? 1 : 0);
  /** @param {keyof typeof store} name */
  const set = (name) => (/** @type {string} */ value) => {
    const { [`store.${name}`]: _, ...others } = refusedFields.value;
    refusedFields.value = others;
    update({ store: { ...progress.value.store, [name]: value } });
  };
  /** @param {keyof typeof store} name */
  const error = (name) => {
    if (tries.value > 0 && !store[name].trim()) return t('required');
    if (tries.value > 0 && name === 'store_id' && !CODE.test(store.store_id.trim())) return t('setup.store.code.wrong');
    return refusedFields.value[`store.${name}`] ?? '';
  };
  const names = /** @type {(keyof typeof store)[]} */ (Object.keys(store));
  const submit = () => {
    tries.value += 1;
    if (names.some((name) => error(name))) return;
    const trimmed = { ...store, name: store.name.trim(), store_id: store.store_id.trim() };
    update({ store: trimmed, step: 'owner' });
  };
  return html`<h1 tabindex="-1">${t('setup.store.title')}</h1>
    <${StepForm} submit=${t('setup.next')} isBusy=${false} hasErrors=${names.some((name) => error(name))} tries=${tries.value} onSubmit=${submit}>
      <${Field} name="name" label=${t('setup.store.name')} hint=${t('setup.store.name.hint')} value=${store.name} error=${error('name')} onInput=${set('name')} />
      <${Field} name="store_id" label=${t('pair.store')} hint=${t('setup.store.code.hint')} value=${store.store_id} error=${error('store_id')} onInput=${set('store_id')} />
      <${SelectField} name="time_zone" label=${t('setup.store.zone')} value=${store.time_zone} options=${options(ZONES, store.time_zone)} error=${error('time_zone')} onInput=${set('time_zone')} />
      <${SelectField} name="day_starts_at" label=${t('setup.store.day')} hint=${t('setup.store.day.hint')} value=${store.day_starts_at} options=${options(HOURS, store.day_starts_at)}
        error=${error('day_starts_at')} onInput=${set('day_starts_at')} />
    <//>`;
}
