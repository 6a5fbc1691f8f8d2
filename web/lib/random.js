// Random values without `crypto.randomUUID`, which browsers disable on a LAN over plain HTTP.

/** 128 random bits as 32 hexadecimal digits. */
export function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * A pause that grows with each failure, with jitter so that tablets do not reconnect at the same time.
 *
 * @param {number} failures the number of failures in a row
 * @param {number} first the first pause in milliseconds
 * @param {number} longest
 */
export function backoff(failures, first, longest) {
  return Math.min(first * 2 ** Math.min(failures, 16), longest) * (0.5 + Math.random() / 2);
}
