// Remembers the focused element from before the first of several dialogs, to focus it again after the last.

/** @type {Element | null} */
let opener = null;
let openDialogs = 0;

export function dialogOpens() {
  if (openDialogs === 0) opener = document.activeElement;
  openDialogs += 1;
}

export function dialogCloses() {
  openDialogs -= 1;
  // One that takes its place opens in the same turn.
  queueMicrotask(() => {
    if (openDialogs > 0) return;
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus({ preventScroll: true });
    opener = null;
  });
}
