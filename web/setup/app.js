import { t } from '../lib/i18n.js';
import { chooseLanguage } from '../lib/language.js';
import { html, useEffect, useRef } from '../lib/preact.js';
import { LanguageButtons } from '../ui/language-buttons.js';
import { Failure, Loading } from '../ui/states.js';
import { CodeForm } from './code-form.js';
import { Finish } from './finish.js';
import { OwnerForm } from './owner-form.js';
import { OwnerLogin } from './owner-login.js';
import { Refused } from './refused.js';
import { failure, phase, start } from './state/flow.js';
import { progress } from './state/progress.js';
import { Steps } from './steps.js';
import { StoreForm } from './store-form.js';
import { TablesForm } from './tables-form.js';

const STEPS = { store: StoreForm, owner: OwnerForm, login: OwnerLogin, tables: TablesForm, finish: Finish };

export function App() {
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const isFirst = useRef(true);
  const shown = phase.value === 'work' ? progress.value.step : phase.value;
  const title = t('setup.title');
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    if (shown === 'checking') return;
    const first = main.current?.querySelector('[aria-invalid=true]') ?? main.current?.querySelector('h1');
    // Move the focus to the top of the new step, or to the first field that the server refused.
    if (!isFirst.current && first instanceof HTMLElement) first.focus();
    isFirst.current = false;
  }, [shown]);
  return html`<main class="entry setup" ref=${main}>
    ${phase.value === 'work' && html`<${Steps} step=${progress.value.step} />`}
    <div class="entry-card setup-card">${content()}</div>
    <${LanguageButtons} onChoose=${chooseLanguage} />
  </main>`;
}

function content() {
  switch (phase.value) {
    case 'checking':
      return html`<${Loading} />`;
    case 'code':
      return html`<${CodeForm} />`;
    case 'refused':
      return html`<${Refused} />`;
    case 'failed':
      return failure.value && html`<${Failure} title=${t('setup.failed')} error=${failure.value} onRetry=${start} />`;
    default:
      return html`<${STEPS[progress.value.step]} />`;
  }
}
