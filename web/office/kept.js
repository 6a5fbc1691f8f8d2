import { useRef } from '../lib/preact.js';

/**
 * The subject of a dialog. It is kept after its deletion, because a background update must not close a dialog.
 *
 * @template T
 * @param {string} key
 * @param {T | undefined} subject
 * @returns {T | undefined}
 */
export function useKept(key, subject) {
  const kept = useRef(/** @type {{ key: string, subject: T | undefined }} */ ({ key: '', subject: undefined }));
  if (subject !== undefined) kept.current = { key, subject };
  return kept.current.key === key ? kept.current.subject : undefined;
}
