import { startTexts } from '../lib/i18n.js';
import { html, render } from '../lib/preact.js';
import { App } from './app.js';
import { start } from './state/live.js';
import { party } from './state/party.js';

const root = /** @type {HTMLElement} */ (document.getElementById('app'));

await startTexts(party.value.language);
start();
render(html`<${App} />`, root);
root.removeAttribute('aria-busy');
