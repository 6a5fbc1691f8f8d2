import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { Icon } from '../ui/icon.js';

/**
 * A row that can be moved.
 *
 * @param {object} props
 * @param {string} props.name
 * @param {number} props.index
 * @param {number} props.count
 * @param {{ from: number, to: number } | null} props.drag
 * @param {string} props.hint the id of the explanation
 * @param {(from: number, to: number, event: MouseEvent | KeyboardEvent) => void} props.onPress
 * @param {(from: number, event: PointerEvent) => void} props.onDrag
 */
export function ReorderRow({ name, index, count, drag, hint, onPress, onDrag }) {
  const isFirst = index === 0;
  const isLast = index === count - 1;
  /** @param {number} place */
  const to = (place) => (/** @type {MouseEvent} */ event) => onPress(index, place, event);
  /** @param {any} event */
  const key = (event) => {
    const target = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: count - 1 }[/** @type {string} */ (event.key)];
    if (target === undefined) return;
    event.preventDefault();
    onPress(index, target, event);
  };
  const isDragged = drag?.from === index;
  const isTarget = drag !== null && drag.from !== drag.to && drag.to === index;
  const place = isTarget ? (drag.to < drag.from ? 'drop-before' : 'drop-after') : '';
  return html`<li class=${`reorder-row ${isDragged ? 'dragged' : ''} ${place}`}>
    <button type="button" class="button plain handle" aria-label=${t('office.reorder.handle', { name })} aria-describedby=${hint}
      onPointerDown=${(/** @type {PointerEvent} */ event) => onDrag(index, event)} onKeyDown=${key}><${Icon} name="handle" /></button>
    <span class="reorder-place">${index + 1}</span>
    <span class="reorder-name">${name}</span>
    <button type="button" class="button icon-only" aria-label=${t('office.reorder.up', { name })} aria-disabled=${isFirst ? 'true' : undefined}
      onClick=${to(index - 1)}><${Icon} name="up" /></button>
    <button type="button" class="button icon-only" aria-label=${t('office.reorder.down', { name })} aria-disabled=${isLast ? 'true' : undefined}
      onClick=${to(index + 1)}><${Icon} name="down" /></button>
  </li>`;
}
