import { html, useEffect, useRef } from '../lib/preact.js';

/**
 * A form of one step, with its error above its buttons. The first field in error gets the focus.
 *
 * @param {object} props
 * @param {string} props.submit
 * @param {boolean} props.isBusy
 * @param {string} [props.failure]
 * @param {boolean} props.hasErrors
 * @param {number} props.tries how often the form was submitted
 * @param {() => void} props.onSubmit
 * @param {any} props.children
 * @param {any} [props.extra] a further button
 */
export function StepForm({ submit, isBusy, failure, hasErrors, tries, onSubmit, children, extra }) {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  useEffect(() => {
    if (!hasErrors) return;
    /** @type {HTMLElement | null | undefined} */ (form.current?.querySelector('[aria-invalid=true]'))?.focus();
  }, [tries]);
  /** @param {Event} event */
  const submitted = (event) => {
    event.preventDefault();
    if (!isBusy) onSubmit();
  };
  return html`<form class="setup-form" ref=${form} noValidate onSubmit=${submitted}>
    ${children}
    ${failure && html`<p class="alert" role="alert">${failure}</p>`}
    <div class="setup-buttons">
      ${extra}
      <button type="submit" class="button primary" aria-busy=${isBusy ? 'true' : undefined}>${submit}</button>
    </div>
  </form>`;
}
