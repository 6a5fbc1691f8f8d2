import { dialogCloses, dialogOpens } from '../lib/focus.js';
import { t } from '../lib/i18n.js';
import { html, useId, useLayoutEffect, useRef } from '../lib/preact.js';
import { Icon } from './icon.js';
import { contentChanged } from './second-tap.js';
import { Announcements } from './toast.js';

/**
 * A modal dialog: the browser keeps the focus inside and closes it by Escape. The second tap of a double tap that
 * opened or closed it does nothing.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {() => void} props.onClose
 * @param {any} props.children
 * @param {any} [props.footer] always visible
 * @param {any} [props.beside] at a fixed place beside the title
 * @param {string} [props.class]
 * @param {boolean} [props.hasScrollFocus] whether its content gets the focus, so that the keyboard can scroll it
 * @param {boolean} [props.hasNoClose] whether it closes only by its content
 * @param {() => boolean} [props.mayClose] called before the user closes it
 */
export function Dialog({ title, onClose, children, footer, beside, class: extra = '', hasScrollFocus, hasNoClose, mayClose = () => !hasNoClose }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useId();
  useLayoutEffect(() => {
    contentChanged();
    const element = /** @type {HTMLDialogElement} */ (dialog.current);
    dialogOpens();
    element.showModal();
    const first = element.querySelector('[data-autofocus]') ?? element.querySelector('h2');
    if (first instanceof HTMLElement) first.focus({ preventScroll: true });
    return () => {
      element.close();
      dialogCloses();
      contentChanged();
    };
  }, []);
  const closed = () => {
    if (!dialog.current?.isConnected) return;
    if (mayClose()) onClose();
    // Some browsers close a dialog at the second attempt in a row without a `cancel` event.
    else dialog.current.showModal();
  };
  // Prevent Escape at `keydown`: a browser ignores a second `cancel` event in a row that is prevented.
  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    if (event.key === 'Escape' && !event.isComposing && !mayClose()) event.preventDefault();
  };
  /** @param {Event} event */
  const cancelled = (event) => {
    if (!mayClose()) event.preventDefault();
  };
  const close = () => {
    if (mayClose()) onClose();
  };
  // A click also has this target if the pointer was pressed inside and released outside.
  const isPressedOutside = useRef(false);
  /** @param {Event} event */
  const touched = (event) => {
    isPressedOutside.current = event.target === dialog.current;
  };
  /** @param {MouseEvent} event */
  const clicked = (event) => {
    if (event.target === dialog.current && isPressedOutside.current) close();
  };
  return html`<dialog ref=${dialog} class=${`dialog ${extra}`} aria-labelledby=${id} onKeyDown=${pressed} onCancel=${cancelled}
    onClose=${closed} onPointerDown=${touched} onClick=${clicked}>
    <div class="dialog-frame">
      <header class="dialog-head">
        <h2 id=${id} tabindex="-1">${title}</h2>
        ${beside}
        ${!hasNoClose && html`<button type="button" class="button icon-only" aria-label=${t('close')} onClick=${close}><${Icon} name="close" /></button>`}
      </header>
      <div class="dialog-body" ...${hasScrollFocus && { tabindex: 0, role: 'group', 'aria-labelledby': id }}>${children}</div>
      ${footer && html`<footer class="dialog-foot">${footer}</footer>`}
      <${Announcements} />
    </div>
  </dialog>`;
}
