// The orders that a dialog shows, and their places. An order keeps its place until the dialog is closed, also when it
// is cancelled. New orders are added only after a tap on a button, so that no update moves an element before a tap.
import { useRef, useSignal } from '../../lib/preact.js';

/** @typedef {import('wire').Order} Order */

/**
 * @param {Order[] | null} orders the live orders, newest first; null while they are not loaded
 * @param {boolean} isPart whether the list is incomplete, without older orders
 */
export function usePlaces(orders, isPart) {
  const places = useRef(/** @type {Order[]} */ ([]));
  const arrangements = useSignal(0);
  // Subscribe to it, so that a change of the places is rendered.
  arrangements.value;
  const live = new Map((orders ?? []).map((order) => [order.id, order]));
  if (places.current.length === 0) places.current = orders ?? [];
  places.current = places.current.map((order) => live.get(order.id) ?? order);
  const placed = new Set(places.current.map(({ id }) => id));
  const waiting = [...live.values()].filter(({ id }) => !placed.has(id));
  const oldest = isPart ? (orders?.at(-1)?.id ?? 0) : 0;
  return {
    shown: places.current.map((order) => ({ order, isGone: orders !== null && !live.has(order.id) && order.id >= oldest })),
    waiting,
    showWaiting: () => {
      places.current = [...waiting, ...places.current];
      arrangements.value += 1;
    },
  };
}
