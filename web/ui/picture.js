import { html, useSignal } from '../lib/preact.js';

/**
 * The picture of an item, which is decorative: the item's name is next to it. If it cannot be loaded, it takes no
 * space.
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
