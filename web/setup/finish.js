import { t } from '../lib/i18n.js';
import { plainNumber } from '../lib/number.js';
import { html } from '../lib/preact.js';
import { progress } from './state/progress.js';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** The addresses under which a tablet opens the guest page, the best first. @param {string[]} hosts */
function addresses(hosts) {
  const { protocol, hostname, host, port } = location;
  const on = (/** @type {string} */ name) => `${protocol}//${name}${port && `:${port}`}`;
  const known = hosts.map((address) => on(address.includes(':') ? `[${address}]` : address));
  // An address that opened this page from another machine also works on a tablet.
  const own = LOOPBACK.includes(hostname) ? [] : [`${protocol}//${host}`];
  return [...new Set([...own, ...known])].map((origin) => `${origin}/order`);
}

/** The instructions for the first tablet. */
export function Finish() {
  const { store, count, hosts, isLocalOnly } = progress.value;
  const [first, ...others] = addresses(hosts);
  const open = first ? 'setup.finish.open' : isLocalOnly ? 'setup.finish.open.local' : 'setup.finish.open.unknown';
  const unknown = `${location.protocol}//…${location.port && `:${location.port}`}/order`;
  return html`<h1 tabindex="-1">${t('setup.finish.title')}</h1>
    <section class="setup-section">
      <h2>${t('setup.finish.tablet')}</h2>
      <ol class="setup-todo">
        <li>${t('setup.finish.network')}</li>
        <li>${t(open)}
          <strong class="setup-address">${first ?? unknown}</strong>
          ${others.length > 0 && html`<span class="muted">${t('setup.finish.others')}</span>
            ${others.map((address) => html`<span key=${address} class="setup-other">${address}</span>`)}`}
        </li>
        <li>${t('setup.finish.connect', { button: t('pair.submit') })}
          <dl class="setup-values">
            <div><dt>${t('pair.store')}</dt><dd>${store.store_id}</dd></div>
            <div><dt>${t('pair.table')}</dt><dd>${t('setup.finish.numbers', { count: plainNumber(count) })}</dd></div>
            <div><dt>${t('pair.password')}</dt><dd>${t('setup.finish.password')}</dd></div>
          </dl>
        </li>
        <li>${t('setup.finish.check')}</li>
      </ol>
    </section>
    <section class="setup-section">
      <h2>${t('setup.finish.next')}</h2>
      <p>${t('setup.finish.menu')}</p>
      <p>${t('setup.finish.screen')}</p>
      <div class="setup-buttons"><a class="button primary" href="/office">${t('setup.office')}</a><a class="button" href="/staff">${t('setup.staff')}</a></div>
    </section>`;
}
