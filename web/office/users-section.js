import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { Loaded } from './loaded.js';
import { ownId } from './state/account.js';
import { users } from './state/lists.js';
import { openDialog } from './state/live.js';
import { UserDialogs } from './user-dialogs.js';

/** The accounts of owners and staff. */
export function UsersSection() {
  return html`<${Loaded} resource=${users} failed=${t('office.users.failed')}>${content}<//>`;
}

/** @param {import('wire').User[]} list */
function content(list) {
  return html`<div class="section-head">
      <h2 tabindex="-1">${t('office.nav.users')} <span class="muted">${t('office.users.count', { count: list.length })}</span></h2>
      <${Button} onPress=${() => openDialog('password')}>${t('office.password.own')}<//>
      <${Button} kind="primary" onPress=${() => openDialog('user')}>${t('office.user.add')}<//>
    </div>
    <p class="muted">${t('office.users.hint')}</p>
    <ul class="rows">${list.map((user) => html`<li key=${user.id}><${UserRow} user=${user} /></li>`)}</ul>
    <${UserDialogs} users=${list} />`;
}

/** @param {{ user: import('wire').User }} props */
function UserRow({ user: { id, username, role } }) {
  return html`<article class="row">
    <p class="row-text row-name">${username} ${id === ownId.value && html`<span class="muted">${t('office.user.own')}</span>`}</p>
    <p class=${role === 'owner' ? 'tag' : 'tag plain'}>${t(`office.role.${role}`)}</p>
    <div class="row-actions">
      <${Button} label=${t('office.edit_of', { name: username })} onPress=${() => openDialog('user', id)}>${t('office.edit')}<//>
      <${Button} kind="plain" label=${t('office.delete_of', { name: username })} onPress=${() => openDialog('delete', id)}>${t('office.delete')}<//>
    </div>
  </article>`;
}
