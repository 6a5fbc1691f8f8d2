// Values in the storage of the browser. Each read goes to the storage, because another tab may have written.

const PREFIX = 'tableorder.';

/**
 * @param {'localStorage' | 'sessionStorage'} kind
 */
function valuesIn(kind) {
  /** Values that could not be stored, kept until the page is closed. @type {Map<string, string>} */
  const memory = new Map();

  /** @param {string} name */
  const readText = (name) => {
    try {
      return window[kind].getItem(PREFIX + name);
    } catch {
      return null;
    }
  };

  return {
    /**
     * @template T
     * @param {string} name
     * @returns {T | null}
     */
    read(name) {
      const text = memory.get(name) ?? readText(name);
      if (text === null) return null;
      try {
        return JSON.parse(text);
      } catch {
        return null;
      }
    },

    /**
     * Writes synchronously.
     *
     * @param {string} name
     * @param {unknown} value
     * @returns {boolean} whether it survives a reload
     */
    write(name, value) {
      const text = JSON.stringify(value);
      try {
        window[kind].setItem(PREFIX + name, text);
        memory.delete(name);
        return true;
      } catch {
        memory.set(name, text);
        return false;
      }
    },

    /** @param {string} name */
    remove(name) {
      memory.delete(name);
      try {
        window[kind].removeItem(PREFIX + name);
      } catch {
        // Without storage there is nothing to remove.
      }
    },
  };
}

/** Values of this browser. */
export const { read, write, remove } = valuesIn('localStorage');

/** Values of this tab, which the browser deletes when the tab is closed. */
export const tab = valuesIn('sessionStorage');

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
