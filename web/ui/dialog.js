import { dialogCloses, dialogOpens } from '../lib/focus.js';
import { t } from '../lib/i18n.js';
import { html, useId, useLayoutEffect, useRef } from '../lib/preact.js';
import { Icon } from './icon.js';

/**
 * A modal dialog: the browser keeps the focus inside and closes it by Escape.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {() => void} props.onClose
 * @param {any} props.children
 * @param {any} [props.footer] stays in sight
 * @param {string} [props.class]
 * @param {boolean} [props.isTitleHidden]
 */
export function Dialog({ title, onClose, children, footer, class: extra = '', isTitleHidden }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useId();
  useLayoutEffect(() => {
    const element = /** @type {HTMLDialogElement} */ (dialog.current);
    dialogOpens();
    element.showModal();
    const first = element.querySelector('[data-autofocus]') ?? element.querySelector('h2');
    if (first instanceof HTMLElement) first.focus({ preventScroll: true });
    return () => {
      element.close();
      dialogCloses();
    };
  }, []);
  const closed = () => {
    if (dialog.current?.isConnected) onClose();
  };
  /** @param {MouseEvent} event */
  const clicked = (event) => {
    if (event.target === dialog.current) onClose();
  };
  return html`<dialog ref=${dialog} class=${`dialog ${extra}`} aria-labelledby=${id} onClose=${closed} onClick=${clicked}>
    <div class="dialog-frame">
      <header class=${isTitleHidden ? 'dialog-head bare' : 'dialog-head'}>
        <h2 id=${id} tabindex="-1" class=${isTitleHidden ? 'visually-hidden' : ''}>${title}</h2>
        <button type="button" class="button icon-only" aria-label=${t('close')} onClick=${onClose}><${Icon} name="close" /></button>
      </header>
      <div class="dialog-body">${children}</div>
      ${footer && html`<footer class="dialog-foot">${footer}</footer>`}
    </div>
  </dialog>`;
}
