import { DEFAULT_LANGUAGE, loadTexts } from '../lib/i18n.js';
import { html, render } from '../lib/preact.js';
import { App } from './app.js';
import { start } from './state/live.js';
import { party } from './state/party.js';

const root = /** @type {HTMLElement} */ (document.getElementById('app'));

loadTexts(party.value.language)
  .catch(() => loadTexts(DEFAULT_LANGUAGE))
  .then(() => {
    start();
    render(html`<${App} />`, root);
    root.removeAttribute('aria-busy');
  });
