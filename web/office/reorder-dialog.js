import { ApiError } from '../lib/api.js';
import { useDrag } from '../lib/drag.js';
import { useForm } from '../lib/form.js';
import { t } from '../lib/i18n.js';
import { html, useId, useLayoutEffect, useRef, useSignal } from '../lib/preact.js';
import { FormDialog } from '../ui/form-dialog.js';
import { toast } from '../ui/toast.js';
import { ReorderRow } from './reorder-row.js';
import { explain } from './state/account.js';
import { menu } from './state/lists.js';

/** For this time, in milliseconds, taps at the same place apply to the row that has moved away from there. */
const REPEATS_WITHIN = 1_000;

/**
 * Changes the order of a list by dragging, buttons or keys. One request saves the new order.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {() => { id: number, name: string }[]} props.read the list as it is now
 * @param {(ids: number[]) => Promise<any>} props.save
 * @param {() => void} props.onClose
 */
export function ReorderDialog({ title, read, save, onClose }) {
  const names = useSignal(new Map(read().map(({ id, name }) => [id, name])));
  const hasChanged = useSignal(false);
  const moved = useSignal('');
  const hint = useId();
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  /** The pressed control, which moves with its row and keeps the focus. */
  const pressed = useRef(/** @type {HTMLElement | null} */ (null));
  const last = useRef({ id: 0, at: 0, box: new DOMRect(), control: /** @type {HTMLElement | null} */ (null) });

  const form = useForm({
    initial: { ids: read().map(({ id }) => id) },
    explain,
    save: async ({ ids }) => {
      try {
        await save(ids);
        toast(t('office.reorder.saved'));
        return true;
      } catch (error) {
        if (!(error instanceof ApiError && error.code === 'VALIDATION_ERROR')) throw error;
        // The list was changed since the dialog opened. Keep the chosen order of the remaining rows.
        await menu.load();
        const now = new Map(read().map(({ id, name }) => [id, name]));
        names.value = now;
        form.set('ids')([...ids.filter((id) => now.has(id)), ...[...now.keys()].filter((id) => !ids.includes(id))]);
        hasChanged.value = true;
        return false;
      }
    },
    done: onClose,
  });
  const { ids } = form.values;

  /** @param {number} from @param {number} to */
  const move = (from, to) => {
    // A move during a save would be lost.
    if (form.isBusy) return;
    const next = ids.filter((_, index) => index !== from);
    next.splice(to, 0, /** @type {number} */ (ids[from]));
    form.set('ids')(next);
    moved.value = t('office.reorder.moved', { name: names.value.get(/** @type {number} */ (ids[from])) ?? '', position: to + 1, count: ids.length });
  };
  useLayoutEffect(() => {
    pressed.current?.focus({ preventScroll: true });
    pressed.current?.closest('li')?.scrollIntoView({ block: 'nearest' });
    pressed.current = null;
  }, [ids]);
  const { drag, start } = useDrag(list, move);

  /**
   * Whether this tap repeats the last one, whose row has moved away from this place.
   *
   * @param {MouseEvent | KeyboardEvent} event
   */
  const isRepeated = (event) => {
    const { at, box } = last.current;
    // A click by the keyboard has `detail` 0. It needs no correction, because the focus is on the moved row.
    if (!(event instanceof MouseEvent) || event.detail === 0 || performance.now() - at > REPEATS_WITHIN) return false;
    return event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  };

  /** @param {number} at @param {number} to @param {any} event */
  const press = (at, to, event) => {
    const isRepeat = isRepeated(event);
    const from = isRepeat ? ids.indexOf(last.current.id) : at;
    const target = from + to - at;
    const control = isRepeat ? last.current.control : event.currentTarget;
    const box = isRepeat ? last.current.box : control.getBoundingClientRect();
    last.current = { id: /** @type {number} */ (ids[from]), at: performance.now(), box, control };
    control.focus({ preventScroll: true });
    if (target < 0 || target >= ids.length || target === from) return;
    pressed.current = control;
    move(from, target);
  };
  return html`<${FormDialog} title=${title} form=${form} submit=${t('office.save')} onClose=${onClose}>
    <p class="muted" id=${hint}>${t('office.reorder.hint')}</p>
    <p class="visually-hidden" role="status">${moved.value}</p>
    ${hasChanged.value && html`<p class="alert" role="alert">${t('office.reorder.changed')}</p>`}
    <ol class="reorder-list" ref=${list}>
      ${ids.map((id, index) => html`<${ReorderRow} key=${id} name=${names.value.get(id) ?? ''} index=${index} count=${ids.length} drag=${drag} hint=${hint} onPress=${press} onDrag=${start} />`)}
    </ol>
  <//>`;
}
