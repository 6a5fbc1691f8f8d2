// The state of a form: its values, an error beside each field, and whether there is something to save.
import { asApiError } from './api.js';
import { t } from './i18n.js';
import { useIsLeft } from './left.js';
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
 * @param {() => Promise<Values | null>} [options.current] reads the saved values; null if deleted. If another user has
 *   changed a field that this form changes, the form shows both, and only a second save overwrites the other value.
 * @param {(values: Values, initial: Values) => Promise<any>} options.save resolves to `false` to keep the form open
 * @param {() => void} options.done called after saving, or if nothing was changed
 * @param {(error: import('./api.js').ApiError) => string} options.explain
 * @param {() => Errors} [options.duplicate] the error of the unique field
 */
export function useForm({ initial, check = () => ({}), current, save, done, explain, duplicate }) {
  const first = useSignal(initial);
  const values = useSignal(initial);
  const errors = useSignal(/** @type {Errors} */ ({}));
  /** What another user has saved in the fields that this form changes. */
  const others = useSignal(/** @type {Record<string, any>} */ ({}));
  const failure = useFailure();
  const isBusy = useSignal(false);
  const refusals = useSignal(0);
  const isLeft = useIsLeft();
  const element = useRef(/** @type {HTMLFormElement | null} */ (null));
  const differs = () => JSON.stringify(values.value) !== JSON.stringify(first.value);
  const isDirty = differs();

  // Focus after the errors are drawn, so that a screen reader reads the field with its error.
  useLayoutEffect(() => {
    const wrong = element.current?.querySelector('[aria-invalid="true"]');
    if (wrong instanceof HTMLElement) wrong.focus();
  }, [refusals.value]);

  /** @param {Errors} found */
  const refuse = (found) => {
    errors.value = found;
    refusals.value += 1;
    // A read-only select cannot get the focus.
    isBusy.value = false;
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

  /** Whether no other user has changed the edited fields since the form was opened. */
  const isUncontested = async () => {
    const saved = current && (await current());
    if (!saved) return true;
    const [own, before] = [values.peek(), first.peek()];
    const edited = Object.keys(own).filter((name) => own[name] !== before[name]);
    const contested = edited.filter((name) => saved[name] !== before[name] && saved[name] !== own[name]);
    batch(() => {
      first.value = saved;
      // Fields that were not edited take the saved values.
      values.value = { ...saved, ...Object.fromEntries(edited.map((name) => [name, own[name]])) };
      others.value = Object.fromEntries(contested.map((name) => [name, saved[name]]));
      if (contested.length > 0) refuse(Object.fromEntries(contested.map((name) => [name, t('office.conflict')])));
    });
    return contested.length === 0;
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
      if (!(await isUncontested())) return;
      // No difference is left if another user has saved the same values.
      const isDone = !differs() || (await save(values.value, first.value)) !== false;
      // If the user has discarded the form, another dialog may be open now.
      if (isDone && !isLeft.current) done();
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

  const failureText = () => {
    if (failure.value) return [explain(failure.value), ...detailsOf(failure.value).map(({ field, reason }) => `${field}: ${reason}`)].join(' ');
    return Object.keys(others.value).length > 0 ? t('office.conflict.text') : '';
  };

  return {
    values: values.value,
    isDirty,
    isBusy: isBusy.value,
    failure: failureText(),
    element,
    submit,
    set,
    /** The properties of a field. @param {keyof Values & string} name */
    field: (name) => {
      const onInput = set(name);
      const take = () => {
        if (!isBusy.peek()) onInput(others.peek()[name]);
      };
      const other = name in others.value ? { value: others.value[name], onTake: take } : undefined;
      // Input during a save would be neither sent nor kept.
      return { name, value: values.value[name], error: errors.value[name], isReadOnly: isBusy.value, onInput, other };
    },
  };
}

/** @param {import('./api.js').ApiError} error */
function detailsOf({ code, body }) {
  return code === 'VALIDATION_ERROR' ? (body.details ?? []) : [];
}

/**
 * The fields that differ. Requests contain only these, so that they do not overwrite changes by other users.
 *
 * @param {Record<string, unknown>} before
 * @param {Record<string, unknown>} after
 */
export function changed(before, after) {
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => before[name] !== value));
}
