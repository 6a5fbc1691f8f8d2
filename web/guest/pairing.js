import { asApiError } from '../lib/api.js';
import { setLanguage, t } from '../lib/i18n.js';
import { whenIdle } from '../lib/idle.js';
import { lastStore } from '../lib/last-store.js';
import { plainNumber } from '../lib/number.js';
import { html, useEffect, useRef, useSignal } from '../lib/preact.js';
import { useFailure } from '../lib/reachable.js';
import { close } from '../lib/view.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { LanguageButtons } from '../ui/language-buttons.js';
import { device, lastTable, pair } from './state/device.js';
import { enterPaired, phase, unpairedBecause } from './state/session.js';

const UNUSED_FOR = 120_000;

/** The store and table of the page's address, or else of the last pairing. */
function known() {
  const query = new URLSearchParams(location.search);
  const last = lastTable();
  return { store: query.get('store') ?? last?.store_id ?? lastStore(), table: query.get('table') ?? String(last?.table_number ?? '') };
}

/** Pairs the tablet with its table. */
export function Pairing() {
  const store = useSignal(known().store);
  const table = useSignal(known().table);
  const password = useSignal('');
  const isTried = useSignal(false);
  const isBusy = useSignal(false);
  const failure = useFailure();
  // Close the form after a while, because guests may have opened it by mistake.
  useEffect(() => whenIdle(UNUSED_FOR, close), []);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));

  const errors = {
    store: store.value.trim() ? '' : t('required'),
    table: !table.value.trim() ? t('required') : /^\d{1,6}$/.test(plainNumber(table.value)) ? '' : t('pair.number'),
    password: password.value ? '' : t('required'),
  };

  const submit = async () => {
    if (isBusy.value) return;
    isTried.value = true;
    failure.value = null;
    const wrong = Object.entries(errors).find(([, error]) => error)?.[0];
    if (wrong) {
      /** @type {HTMLInputElement | null | undefined} */ (form.current?.querySelector(`[name=${wrong}]`))?.focus();
      return;
    }
    isBusy.value = true;
    try {
      await pair({ store_id: store.value.trim(), table_number: Number(plainNumber(table.value)), password: password.value });
      close();
      enterPaired();
    } catch (error) {
      failure.value = asApiError(error);
    } finally {
      password.value = '';
      isTried.value = false;
      isBusy.value = false;
    }
  };

  const error = (/** @type {keyof typeof errors} */ name) => (isTried.value ? errors[name] : '');
  return html`<main class="entry">
    <form class="entry-card" ref=${form} noValidate onSubmit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      submit();
    }}>
      <h1>${t('pair.title')}</h1>
      <p class="muted">${reason(unpairedBecause.value)}</p>
      <${Field} name="store" label=${t('pair.store')} value=${store.value} error=${error('store')} onInput=${set(store)} />
      <${Field} name="table" label=${t('pair.table')} value=${table.value} error=${error('table')} inputMode="numeric" onInput=${set(table)} />
      <${Field} name="password" label=${t('pair.password')} type="password" value=${password.value} error=${error('password')} onInput=${set(password)} />
      ${failure.value && html`<p class="alert" role="alert">${failure.value.text}</p>`}
      <button type="submit" class="button primary wide" aria-busy=${isBusy.value ? 'true' : undefined}>
        ${t(isBusy.value ? 'pair.submitting' : 'pair.submit')}
      </button>
      ${phase.value === 'open' && device.value && html`<${Button} class="wide" onPress=${close}>${t('cancel')}<//>`}
    </form>
    <${LanguageButtons} onChoose=${setLanguage} />
  </main>`;
}

/** @param {import('../vendor/signals.mjs').Signal<string>} signal */
function set(signal) {
  return (/** @type {string} */ value) => {
    signal.value = value;
  };
}

/** @param {string} code */
function reason(code) {
  if (!code) return t('pair.intro');
  return t(code === 'TOKEN_EXPIRED' || code === 'DEVICE_REVOKED' ? `pair.again.${code}` : 'pair.again.other');
}
