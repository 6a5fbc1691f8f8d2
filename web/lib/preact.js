// The functions that components need, from Preact, htm and signals.
import { h } from '../vendor/preact.mjs';
import htm from '../vendor/htm.mjs';

/** Templates of components: html`<p>${text}</p>`. Values become text or attributes, never markup. */
export const html = htm.bind(h);

export { render } from '../vendor/preact.mjs';
export { useEffect, useId, useLayoutEffect, useMemo, useRef } from '../vendor/hooks.mjs';
export { batch, computed, effect, signal, untracked, useSignal } from '../vendor/signals.mjs';
