// Where the focus was before dialogs opened. One dialog may follow another: the first one's opener counts.

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
