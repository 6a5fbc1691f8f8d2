import { startTexts } from '../lib/i18n.js';
import { savedLanguage } from '../lib/language.js';
import { html, render } from '../lib/preact.js';
import { App } from './app.js';
import { start } from './state/flow.js';
import { takeCode } from './state/progress.js';

const root = /** @type {HTMLElement} */ (document.getElementById('app'));

// Do this first: it removes the code from the address.
takeCode();
// The browser does not reload the page if a new address differs only in the code.
addEventListener('hashchange', () => {
  if (takeCode()) start();
});

await startTexts(savedLanguage(), 'setup');
start();
render(html`<${App} />`, root);
root.removeAttribute('aria-busy');
