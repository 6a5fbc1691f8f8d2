import { startTexts } from '../lib/i18n.js';
import { savedLanguage } from '../lib/language.js';
import { html, render } from '../lib/preact.js';
import { App } from './app.js';
import { start } from './state/flow.js';
import { takeCode } from './state/progress.js';

const root = /** @type {HTMLElement} */ (document.getElementById('app'));

// First, so that the code leaves the address at once.
takeCode();
// A new address, pasted while the page is open, loads nothing.
addEventListener('hashchange', () => {
  if (takeCode()) start();
});

await startTexts(savedLanguage(), 'setup');
start();
render(html`<${App} />`, root);
root.removeAttribute('aria-busy');
