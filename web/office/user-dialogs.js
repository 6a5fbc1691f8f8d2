import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { ConfirmDialog } from '../ui/confirm-dialog.js';
import { toast } from '../ui/toast.js';
import { useKept } from './kept.js';
import { PasswordDialog } from './password-dialog.js';
import { explain, ownId, request } from './state/account.js';
import { users } from './state/lists.js';
import { closeDialog, dialog, leave } from './state/live.js';
import { UserDialog } from './user-dialog.js';

/** The dialog that is open over the accounts. @param {{ users: import('wire').User[] }} props */
export function UserDialogs({ users: list }) {
  const { kind, id } = dialog();
  const user = useKept(String(id), list.find((one) => one.id === id));
  if (kind === 'password') return html`<${PasswordDialog} onClose=${closeDialog} />`;
  if (kind === 'user' && (user || id === 0)) return html`<${UserDialog} key=${id} user=${user ?? null} onClose=${closeDialog} />`;
  if (kind !== 'delete' || !user) return null;
  const isOwn = id === ownId.value;
  const remove = async () => {
    await request('DELETE', `/admin/users/${id}`);
    users.update((known) => known.filter((one) => one.id !== id));
    toast(t('office.deleted', { name: user.username }));
    if (isOwn) leave();
  };
  const isLastOwner = user.role === 'owner' && list.filter(({ role }) => role === 'owner').length === 1;
  return html`<${ConfirmDialog} key=${id} title=${t('office.delete_of', { name: user.username })} confirm=${t('office.delete')}
    refusal=${isLastOwner ? t('office.error.LAST_OWNER') : ''}
    text=${t(isOwn ? 'office.user.delete_own' : 'office.user.delete_text')} onConfirm=${remove} explain=${explain} onClose=${closeDialog} />`;
}
