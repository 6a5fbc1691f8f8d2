import { language, t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { dateTime } from '../lib/time.js';
import { changesOf, subjectOf } from './state/audit-text.js';

/** @param {{ entry: import('wire').AuditEntry }} props */
export function AuditRow({ entry }) {
  const { at, actor, action } = entry;
  const changes = changesOf(entry);
  const subject = subjectOf(entry);
  return html`<article class="row audit">
    <div class="row-text">
      <p class="row-name">${t(`office.action.${action}`)}${subject && ` · ${subject}`}</p>
      <p class="muted">${actorName(actor)}${actor.address && ` · ${actor.address}`}</p>
    </div>
    <time class="muted" datetime=${at}>${dateTime(at, language.value)}</time>
    ${changes.length > 0 && html`<dl class="changes">
      ${changes.map(({ field, before, after }) => html`<div key=${field} class="change-row">
        <dt>${field}</dt>
        <dd>${before !== null && html`<del>${before}</del>`}${before !== null && after !== null && html`<span aria-hidden="true"> → </span>`}${after !== null && html`<ins>${after}</ins>`}</dd>
      </div>`)}
    </dl>`}
  </article>`;
}

/** @param {import('wire').AuditEntry['actor']} actor */
function actorName({ kind, name }) {
  if (kind === 'table') return t('app.table', { number: name });
  if (kind !== 'operator') return name;
  return t(name === 'set-up' ? 'office.audit.set_up' : 'office.audit.operator');
}
