import { html, useEffect } from '../lib/preact.js';
import { Failure, Loading } from '../ui/states.js';

/**
 * Loads a resource when it is mounted, and shows it.
 *
 * @template T
 * @param {{ resource: import('../lib/resource.js').Resource<T>, failed: string, children: (data: T) => any }} props
 */
export function Loaded({ resource, failed, children }) {
  useEffect(() => {
    resource.load();
  }, []);
  const data = resource.data.value;
  if (data !== null) return children(data);
  // A 401 opens the login dialog.
  const error = resource.error.value;
  return error && error.status !== 401 ? html`<${Failure} title=${failed} error=${error} onRetry=${resource.load} />` : html`<${Loading} />`;
}
