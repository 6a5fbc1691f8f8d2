// Forms with unsaved changes. The page warns before anything discards them.

/** The warning of each such form, in the order in which they were changed. @type {Set<() => void>} */
const warnings = new Set();

addEventListener('beforeunload', (event) => {
  if (hasUnsaved()) event.preventDefault();
});

/** Texts that a reload would discard, but no change of the view. @type {Set<object>} */
const drafts = new Set();

/** Whether a reload would discard changes. */
export function hasUnsaved() {
  return warnings.size > 0 || drafts.size > 0;
}

/** @returns {() => void} to call when the text is sent or discarded */
export function holdDraft() {
  const draft = {};
  drafts.add(draft);
  return () => drafts.delete(draft);
}

/**
 * @param {() => void} warn shows the warning of the form
 * @returns {() => void} to call when the changes are saved or discarded
 */
export function holdUnsaved(warn) {
  warnings.add(warn);
  return () => warnings.delete(warn);
}

/** Whether the view may change. If not, the form shows its warning. */
export function mayLeave() {
  const warn = [...warnings].at(-1);
  warn?.();
  return warn === undefined;
}
