// Moves a row of a list by dragging its handle, with a mouse, a finger or a pen.
import { useEffect, useRef, useSignal } from './preact.js';

/** The list scrolls while the pointer is within this distance of its edge, in pixels. */
const EDGE = 56;

/**
 * The document keeps its order of rows until the drop, because a row that moves in the document receives no more events
 * of the current touch. A line shows the target.
 *
 * @param {{ current: HTMLElement | null }} list its children are the rows
 * @param {(from: number, to: number) => void} onMove
 */
export function useDrag(list, onMove) {
  /** The index of the dragged row, and its target index. */
  const drag = useSignal(/** @type {{ from: number, to: number } | null} */ (null));
  const cancel = useRef(() => {});
  useEffect(() => () => cancel.current(), []);

  /** @param {number} from @param {PointerEvent} event */
  const start = (from, event) => {
    const element = list.current;
    if (!element || event.button !== 0 || drag.peek()) return;
    // Prevent the selection of text.
    event.preventDefault();
    const rows = /** @type {HTMLElement[]} */ ([...element.children]);
    const row = /** @type {HTMLElement} */ (rows[from]);
    const scroller = element.closest('.dialog-body') ?? document.documentElement;
    const offset = event.clientY - row.getBoundingClientRect().top;
    let y = event.clientY;
    let frame = 0;

    const follow = () => {
      const top = y - element.getBoundingClientRect().top;
      row.style.transform = `translateY(${top - offset - row.offsetTop}px)`;
      // Compare with `offsetTop`, which the row's transform does not change.
      const to = rows.filter((other) => other !== row && other.offsetTop + other.offsetHeight / 2 < top).length;
      if (drag.peek()?.to !== to) drag.value = { from, to };
    };
    const step = () => {
      const box = scroller.getBoundingClientRect();
      const beyond = Math.min(0, y - box.top - EDGE) + Math.max(0, y - box.bottom + EDGE);
      scroller.scrollTop += Math.max(-20, Math.min(20, beyond / 3));
      follow();
      frame = requestAnimationFrame(step);
    };
    const moved = (/** @type {PointerEvent} */ next) => {
      y = next.clientY;
    };
    const end = () => {
      cancelAnimationFrame(frame);
      row.style.transform = '';
      drag.value = null;
      cancel.current = () => {};
      removeEventListener('pointermove', moved);
      removeEventListener('pointerup', drop);
      removeEventListener('pointercancel', end);
      removeEventListener('keydown', pressed, { capture: true });
    };
    const drop = (/** @type {PointerEvent} */ last) => {
      y = last.clientY;
      follow();
      const to = drag.peek()?.to ?? from;
      end();
      if (to !== from) onMove(from, to);
    };
    // Escape cancels the dragging and must not close the dialog.
    const pressed = (/** @type {KeyboardEvent} */ key) => {
      if (key.key !== 'Escape') return;
      key.preventDefault();
      key.stopPropagation();
      end();
    };
    addEventListener('pointermove', moved);
    addEventListener('pointerup', drop);
    addEventListener('pointercancel', end);
    addEventListener('keydown', pressed, { capture: true });
    cancel.current = end;
    drag.value = { from, to: from };
    step();
  };
  return { drag: drag.value, start };
}
