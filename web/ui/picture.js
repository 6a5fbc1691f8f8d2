import { html, useSignal } from '../lib/preact.js';

/**
 * The picture of an item. It decorates: a name and a description stand beside it. One that cannot be loaded leaves no gap.
 *
 * @param {{ url: string | null | undefined, isLarge?: boolean, fallback?: any }} props
 */
export function Picture({ url, isLarge, fallback = null }) {
  const failed = useSignal('');
  if (!url) return null;
  if (failed.value === url) return fallback;
  const fail = () => {
    failed.value = url;
  };
  return html`<img class=${isLarge ? 'picture large' : 'picture'} src=${url} alt="" loading=${isLarge ? 'eager' : 'lazy'}
    decoding="async" referrerpolicy="no-referrer" onError=${fail} />`;
}
