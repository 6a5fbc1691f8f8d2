import { t } from '../lib/i18n.js';
import { html } from '../lib/preact.js';
import { useReachable } from '../lib/reachable.js';
import { Button } from './button.js';

/** Shown while data is loading. */
export function Loading() {
  return html`<div class="state" role="status"><span class="spinner" aria-hidden="true"></span><p>${t('loading')}</p></div>`;
}

/** Shown instead of an empty list. @param {{ title: string, hint?: string }} props */
export function Empty({ title, hint }) {
  return html`<div class="state"><p class="state-title">${title}</p>${hint && html`<p class="muted">${hint}</p>`}</div>`;
}

/**
 * Shown if data could not be loaded. The page also retries by itself.
 *
 * @param {{ title: string, error: import('../lib/api.js').ApiError, onRetry: () => void }} props
 */
export function Failure({ title, error, onRetry }) {
  useReachable(error, onRetry);
  return html`<div class="state" role="alert">
    <p class="state-title">${title}</p>
    <p class="muted">${error.text}</p>
    <${Button} onPress=${onRetry}>${t('retry')}<//>
  </div>`;
}
