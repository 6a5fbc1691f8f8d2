// Forms with unsaved changes. The page warns before anything discards them.

/** The warning of each such form, in the order in which they were changed. @type {Set<() => void>} */
const warnings = new Set();

addEventListener('beforeunload', (event) => {
  if (hasUnsaved()) event.preventDefault();
});

export function hasUnsaved() {
  return warnings.size > 0;
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
