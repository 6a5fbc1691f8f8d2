// The state of a form: its values, an error beside each field, and whether there is something to save.
import { asApiError } from './api.js';
import { batch, useLayoutEffect, useRef, useSignal } from './preact.js';
import { useFailure } from './reachable.js';

/** @typedef {Record<string, string>} Errors by the name of the field */

/**
 * The part of a form that its dialog uses.
 *
 * @typedef {object} Form
 * @property {boolean} isDirty
 * @property {boolean} isBusy
 * @property {string} failure an error that belongs to no field
 * @property {(event: Event) => void} submit
 * @property {{ current: HTMLFormElement | null }} element
 */

/**
 * @template {Record<string, any>} Values
 * @param {object} options
 * @param {Values} options.initial
 * @param {(values: Values) => Errors} [options.check] errors that need no request
 * @param {(values: Values, initial: Values) => Promise<any>} options.save resolves to `false` to keep the form open
 * @param {() => void} options.done called after saving, or if nothing was changed
 * @param {(error: import('./api.js').ApiError) => string} options.explain
 * @param {() => Errors} [options.duplicate] the error of the unique field
 */
export function useForm({ initial, check = () => ({}), save, done, explain, duplicate }) {
  const first = useSignal(initial);
  const values = useSignal(initial);
  const errors = useSignal(/** @type {Errors} */ ({}));
  const failure = useFailure();
  const isBusy = useSignal(false);
  const refusals = useSignal(0);
  const element = useRef(/** @type {HTMLFormElement | null} */ (null));
  const isDirty = JSON.stringify(values.value) !== JSON.stringify(first.value);

  // Focus after the errors are drawn, so that a screen reader reads the field with its error.
  useLayoutEffect(() => {
    const wrong = element.current?.querySelector('[aria-invalid="true"]');
    if (wrong instanceof HTMLElement) wrong.focus();
  }, [refusals.value]);

  /** @param {Errors} found */
  const refuse = (found) => {
    errors.value = found;
    refusals.value += 1;
  };

  /** @param {import('./api.js').ApiError} error */
  const refused = (error) => {
    // The login dialog opens over the form.
    if (error.status === 401) return;
    if (error.code === 'DUPLICATE' && duplicate) return refuse(duplicate());
    const known = detailsOf(error).filter(({ field }) => field in values.value);
    if (known.length > 0) return refuse(Object.fromEntries(known.map(({ field, reason }) => [field, reason])));
    failure.value = error;
  };

  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    if (isBusy.value) return;
    const found = Object.fromEntries(Object.entries(check(values.value)).filter(([, error]) => error));
    batch(() => {
      failure.value = null;
      refuse(found);
    });
    if (Object.keys(found).length > 0) return;
    if (!isDirty) {
      done();
      return;
    }
    isBusy.value = true;
    try {
      if ((await save(values.value, first.value)) !== false) done();
    } catch (error) {
      batch(() => refused(asApiError(error)));
    } finally {
      isBusy.value = false;
    }
  };

  /** @param {keyof Values & string} name */
  const set = (name) => (/** @type {any} */ value) => {
    batch(() => {
      values.value = { ...values.value, [name]: value };
      if (errors.value[name]) errors.value = { ...errors.value, [name]: '' };
    });
  };

  return {
    values: values.value,
    isDirty,
    isBusy: isBusy.value,
    failure: failure.value ? [explain(failure.value), ...detailsOf(failure.value).map(({ field, reason }) => `${field}: ${reason}`)].join(' ') : '',
    element,
    submit,
    set,
    /** The properties of a field. @param {keyof Values & string} name */
    field: (name) => ({ name, value: values.value[name], error: errors.value[name], onInput: set(name) }),
  };
}

/** @param {import('./api.js').ApiError} error */
function detailsOf({ code, body }) {
  return code === 'VALIDATION_ERROR' ? (body.details ?? []) : [];
}

/**
 * The fields that differ. A request has only them, so that it does not overwrite changes by other users.
 *
 * @param {Record<string, unknown>} before
 * @param {Record<string, unknown>} after
 */
export function changed(before, after) {
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => before[name] !== value));
}
