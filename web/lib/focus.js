// When the last open dialog closes, focuses the element that had the focus before the first one opened. If it is gone,
// for example after a deletion, focuses the heading of its section or of the page.

const HEADING = ':is(h2, h3)[tabindex="-1"]';

/** @type {Element | null} */
let opener = null;
/** @type {Element | null | undefined} */
let section = null;
let openDialogs = 0;

export function dialogOpens() {
  if (openDialogs === 0) {
    opener = document.activeElement;
    section = opener?.closest('section');
  }
  openDialogs += 1;
}

export function dialogCloses() {
  openDialogs -= 1;
  // A dialog that replaces this one opens before this microtask runs.
  queueMicrotask(() => {
    if (openDialogs > 0) return;
    for (const target of [opener, section?.querySelector(HEADING), document.querySelector(`main ${HEADING}`)]) {
      if (target instanceof HTMLElement) target.focus({ preventScroll: true });
      if (document.activeElement === target) break;
    }
    opener = null;
    section = null;
  });
}
