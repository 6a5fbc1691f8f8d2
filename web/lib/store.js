// Values in localStorage. Each read goes to localStorage, because another tab may have written.

const PREFIX = 'tableorder.';

/** Values that localStorage could not store, kept until the page is closed. @type {Map<string, string>} */
const memory = new Map();

/**
 * @template T
 * @param {string} name
 * @returns {T | null}
 */
export function read(name) {
  const text = memory.get(name) ?? readText(name);
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {string} name */
function readText(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/**
 * Writes synchronously.
 *
 * @param {string} name
 * @param {unknown} value
 * @returns {boolean} whether it survives a reload
 */
export function write(name, value) {
  const text = JSON.stringify(value);
  try {
    localStorage.setItem(PREFIX + name, text);
    memory.delete(name);
    return true;
  } catch {
    memory.set(name, text);
    return false;
  }
}

/** @param {string} name */
export function remove(name) {
  memory.delete(name);
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // Without storage there is nothing to remove.
  }
}

/**
 * Calls `changed` when another tab has written `name`.
 *
 * @param {string} name
 * @param {() => void} changed
 */
export function onChange(name, changed) {
  addEventListener('storage', (event) => {
    if (event.key === PREFIX + name) changed();
  });
}
