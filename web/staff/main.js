import { startTexts } from '../lib/i18n.js';
import { html, render } from '../lib/preact.js';
import { keepAwake } from '../lib/wake.js';
import { App } from './app.js';
import { login } from './state/account.js';

const root = /** @type {HTMLElement} */ (document.getElementById('app'));

await startTexts(login.savedLanguage(), 'staff');
render(html`<${App} />`, root);
root.removeAttribute('aria-busy');
keepAwake();
