import { t } from '../lib/i18n.js';
import { html, useSignal } from '../lib/preact.js';
import { Button } from '../ui/button.js';
import { ConfirmDialog } from '../ui/confirm-dialog.js';
import { toast } from '../ui/toast.js';
import { explain, request } from './state/account.js';
import { demo } from './state/lists.js';

/** Offers to remove the demo store. It is below the section, so that nothing moves when it appears. */
export function DemoNotice() {
  const isAsking = useSignal(false);
  if (!demo.data.value?.is_removable) return null;
  const remove = async () => {
    await request('DELETE', '/admin/demo-store');
    isAsking.value = false;
    demo.update(() => ({ is_removable: false }));
    toast(t('office.demo.removed'));
  };
  return html`<aside class="demo-notice" aria-label=${t('office.demo.title')}>
    <p>${t('office.demo.text')}</p>
    <${Button} onPress=${() => { isAsking.value = true; }}>${t('office.demo.remove')}<//>
    ${isAsking.value && html`<${ConfirmDialog} title=${t('office.demo.remove')} text=${t('office.demo.remove_text')} confirm=${t('office.delete')}
      onConfirm=${remove} explain=${explain} onClose=${() => { isAsking.value = false; }} />`}
  </aside>`;
}
