import { language, t } from '../lib/i18n.js';
import { html, useEffect, useLayoutEffect, useRef, useSignal } from '../lib/preact.js';
import { dateTime } from '../lib/time.js';
import { STAYS_BUSY, useAction } from '../ui/action.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { SECOND_TAP } from '../ui/second-tap.js';
import { Empty } from '../ui/states.js';
import { toast } from '../ui/toast.js';
import { explain, request } from './state/account.js';
import { tables } from './state/lists.js';

/**
 * The tablets that are paired with a table.
 *
 * @param {{ table: import('wire').Table, devices: import('wire').Device[], onClose: () => void }} props
 */
export function DevicesDialog({ table, devices, onClose }) {
  useEffect(() => {
    tables.load();
  }, []);
  const hint = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    // The row with the focus is gone.
    if (document.activeElement === document.body) hint.current?.closest('dialog')?.querySelector('h2')?.focus();
  }, [devices]);
  return html`<${Dialog} title=${t('office.devices.title', { name: t('app.table', { number: table.table_number }) })} onClose=${onClose}>
    <p class="muted" ref=${hint}>${t('office.devices.hint')}</p>
    ${devices.length === 0
      ? html`<${Empty} title=${t('office.devices.empty')} />`
      : html`<ul class="rows">${devices.map((device) => html`<li key=${device.id}><${DeviceRow} device=${device} /></li>`)}</ul>`}
  <//>`;
}

/** @param {{ device: import('wire').Device }} props */
function DeviceRow({ device: { id, paired_at, last_seen_at } }) {
  const isAsking = useSignal(false);
  const actions = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    // The pressed button was replaced.
    if (document.activeElement === document.body) actions.current?.querySelector('button')?.focus();
  }, [isAsking.value]);
  const name = t('office.device', { id });
  const { isBusy, failure, run: revoke } = useAction(async () => {
    await request('DELETE', `/admin/devices/${id}`);
    tables.update((data) => ({ ...data, devices: data.devices.filter((one) => one.id !== id) }));
    toast(t('office.device.revoked', { name }));
    return STAYS_BUSY;
  }, explain);
  return html`<article class="row">
    <div class="row-text">
      <p class="row-name">${name}</p>
      <p class="muted">${t('office.device.paired', { time: dateTime(paired_at, language.value) })}</p>
      <p class="muted">${t('office.device.seen', { time: dateTime(last_seen_at, language.value) })}</p>
    </div>
    <div class="row-actions" ref=${actions}>
      ${isAsking.value
        ? html`<${Button} key="keep" onPress=${() => (isAsking.value = false)}>${t('cancel')}<//>
            <${Button} key="revoke" kind="danger" guard=${SECOND_TAP} isBusy=${isBusy} onPress=${revoke}>${t('office.device.confirm')}<//>`
        : html`<${Button} key="ask" label=${t('office.device.revoke_of', { name })} onPress=${() => (isAsking.value = true)}>${t('office.device.revoke')}<//>`}
    </div>
    ${failure && html`<p class="row-failure alert" role="alert">${failure}</p>`}
  </article>`;
}
