import { t } from '../lib/i18n.js';
import { html, useEffect, useSignal } from '../lib/preact.js';
import { Picture } from '../ui/picture.js';

/** The pause in typing, in milliseconds, after which the picture is loaded. */
const PAUSE = 500;

/** The picture at an address that is being typed. @param {{ url: string }} props */
export function ImagePreview({ url }) {
  const tried = useSignal(url);
  useEffect(() => {
    const timer = setTimeout(() => {
      tried.value = url;
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [url]);
  if (!/^https?:/.test(tried.value)) return null;
  return html`<figure class="preview">
    <figcaption class="muted">${t('office.item.image.preview')}</figcaption>
    <${Picture} url=${tried.value} isLarge fallback=${html`<p class="alert" role="status">${t('office.item.image.failed')}</p>`} />
  </figure>`;
}
