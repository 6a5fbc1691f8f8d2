import { t } from '../lib/i18n.js';
import { html, useEffect, useId, useLayoutEffect, useRef, useSignal } from '../lib/preact.js';
import { holdUnsaved } from '../lib/unsaved.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { SECOND_TAP } from './second-tap.js';

/**
 * A dialog with a form, which warns before changes are lost.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {import('../lib/form.js').Form} props.form
 * @param {string} props.submit
 * @param {() => void} props.onClose
 * @param {any} props.children
 * @param {string} [props.class]
 */
export function FormDialog({ title, form, submit, onClose, children, class: extra }) {
  const id = useId();
  const isWarned = useSignal(false);
  const before = useRef(/** @type {Element | null} */ (null));
  const warning = useRef(/** @type {HTMLElement | null} */ (null));
  const { isDirty, isBusy, failure } = form;

  const warn = () => {
    if (!isWarned.peek()) before.current = document.activeElement;
    isWarned.value = true;
  };
  const keep = () => {
    isWarned.value = false;
    // The footer has changed, so a focused button of it no longer exists.
    const target = before.current?.isConnected ? before.current : form.element.current?.querySelector('input, button');
    if (target instanceof HTMLElement) target.focus();
  };
  useEffect(() => (isDirty ? holdUnsaved(warn) : undefined), [isDirty]);
  useLayoutEffect(() => {
    warning.current?.querySelector('button')?.focus();
  }, [isWarned.value]);

  const mayClose = () => {
    if (isBusy) return false;
    if (!isDirty) return true;
    if (isWarned.peek()) keep();
    else warn();
    return false;
  };
  const footer = isWarned.value && isDirty
    ? html`<div class="actions" ref=${warning}>
        <p class="alert" role="alert">${t('form.unsaved')}</p>
        <${Button} key="keep" onPress=${keep}>${t('form.unsaved.keep')}<//>
        <${Button} key="discard" kind="danger" guard=${SECOND_TAP} onPress=${onClose}>${t('form.unsaved.discard')}<//>
      </div>`
    : html`<div class="actions">
        ${failure && html`<p class="alert" role="alert">${failure}</p>`}
        <${Button} key="cancel" isDisabled=${isBusy} onPress=${() => mayClose() && onClose()}>${t('cancel')}<//>
        <button key="submit" type="submit" form=${id} class="button primary" aria-busy=${isBusy ? 'true' : undefined}>${submit}</button>
      </div>`;
  return html`<${Dialog} class=${extra} title=${title} onClose=${onClose} mayClose=${mayClose} footer=${footer}>
    <form id=${id} ref=${form.element} class="form" noValidate onSubmit=${form.submit}>${children}</form>
  <//>`;
}
