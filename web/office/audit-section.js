import { t } from '../lib/i18n.js';
import { html, useEffect } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { SelectField } from '../ui/select-field.js';
import { Empty, Failure, Loading } from '../ui/states.js';
import { AuditRow } from './audit-row.js';
import { action, choose, entries, failure, isLoading, load, next } from './state/audit.js';
import { ACTIONS } from './state/audit-text.js';
import { menu } from './state/lists.js';

/** The change log, newest first. */
export function AuditSection() {
  useEffect(() => {
    load();
    // Entries contain only ids of categories and items; the menu has their names.
    if (!menu.data.peek()) menu.load();
  }, []);
  const options = [{ value: '', text: t('office.audit.all') }, ...ACTIONS.map((name) => ({ value: name, text: t(`office.action.${name}`) }))];
  return html`<div class="section-head">
      <h2>${t('office.nav.audit')}</h2>
      <${Button} isBusy=${isLoading.value} onPress=${load}>${t('office.audit.refresh')}<//>
    </div>
    <p class="muted">${t('office.audit.hint')}</p>
    <div class="filter single"><${SelectField} label=${t('office.audit.action')} value=${action.value} options=${options} onInput=${choose} /></div>
    ${content()}`;
}

function content() {
  const list = entries.value;
  const error = failure.value && failure.value.status !== 401 ? failure.value : null;
  if (!list) {
    return error ? html`<${Failure} title=${t('office.audit.failed')} error=${error} onRetry=${load} />` : html`<${Loading} />`;
  }
  if (list.length === 0) return html`<${Empty} title=${t('office.audit.empty')} />`;
  return html`<ol class="rows">${list.map((entry) => html`<li key=${entry.id}><${AuditRow} entry=${entry} /></li>`)}</ol>
    ${error && html`<p class="alert" role="alert">${error.text}</p>`}
    ${next.value && html`<p class="centre"><${Button} isBusy=${isLoading.value} onPress=${() => load(next.value)}>${t('more')}<//></p>`}`;
}
