import { t } from '../lib/i18n.js';
import { html, useEffect } from '../lib/preact.js';
import { useReachable } from '../lib/reachable.js';
import { Button } from '../ui/button.js';
import { Failure, Loading } from '../ui/states.js';

/**
 * Loads a resource when it is mounted, and shows it. Notices overlay the page, so that no row moves when one appears.
 *
 * @template T
 * @param {object} props
 * @param {import('../lib/resource.js').Resource<T>} props.resource
 * @param {string} props.failed
 * @param {any} [props.notices] further notices
 * @param {(data: T) => any} props.children
 */
export function Loaded({ resource, failed, notices, children }) {
  useEffect(() => {
    resource.load();
  }, []);
  const data = resource.data.value;
  // A 401 opens the login dialog.
  const error = resource.error.value?.status === 401 ? null : resource.error.value;
  if (data === null) return error ? html`<${Failure} title=${failed} error=${error} onRetry=${resource.load} />` : html`<${Loading} />`;
  return html`${children(data)}
    <div class="page-notices">${error && html`<${Outdated} title=${failed} error=${error} onRetry=${resource.load} />`}${notices}</div>`;
}

/** Says that the shown data could not be read again. @param {{ title: string, error: import('../lib/api.js').ApiError, onRetry: () => void }} props */
function Outdated({ title, error, onRetry }) {
  useReachable(error, onRetry);
  return html`<div class="page-notice alert" role="alert">
    <div><p>${title}</p><p>${t('office.outdated')}</p></div>
    <${Button} onPress=${onRetry}>${t('retry')}<//>
  </div>`;
}
