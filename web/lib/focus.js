// When the last open dialog closes, focuses the element that had the focus before the first one opened.

/** @type {Element | null} */
let opener = null;
let openDialogs = 0;

export function dialogOpens() {
  if (openDialogs === 0) opener = document.activeElement;
  openDialogs += 1;
}

export function dialogCloses() {
  openDialogs -= 1;
  // A dialog that replaces this one opens before this microtask runs.
  queueMicrotask(() => {
    if (openDialogs > 0) return;
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus({ preventScroll: true });
    opener = null;
  });
}
