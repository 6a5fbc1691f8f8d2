import { t } from '../lib/i18n.js';
import { isWide } from '../lib/media.js';
import { html } from '../lib/preact.js';
import { close, view } from '../lib/view.js';
import { Failure, Loading } from '../ui/states.js';
import { CartBar } from './cart-bar.js';
import { CartDialog } from './cart-dialog.js';
import { CartPanel } from './cart-panel.js';
import { CategoryNav } from './category-nav.js';
import { Header } from './header.js';
import { IdleWarning } from './idle-warning.js';
import { ItemDialog } from './item-dialog.js';
import { Menu } from './menu.js';
import { OrdersDialog } from './orders-dialog.js';
import { ProgressDialog } from './progress-dialog.js';
import { ReviewDialog } from './review-dialog.js';
import { SettingsDialog } from './settings-dialog.js';
import { failure, isLoaded, load } from './state/menu.js';

export function Shop() {
  return html`<a class="skip" href="#menu" onClick=${skip}>${t('app.skip')}</a>
    <${Header} />
    <div class="shop">
      <${CategoryNav} />
      <main id="menu" class="shop-main" tabindex="-1">${content()}</main>
      ${isWide.value && html`<${CartPanel} />`}
    </div>
    ${!isWide.value && html`<${CartBar} />`}
    ${dialog()}
    <${IdleWarning} />`;
}

/** Moves the focus without changing the fragment, which is for the open view. @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById('menu')?.focus();
}

function content() {
  if (isLoaded.value) return html`<${Menu} />`;
  if (failure.value) {
    return html`<${Failure} title=${t('menu.failed')} error=${failure.value} onRetry=${() => load()} />`;
  }
  return html`<${Loading} />`;
}

function dialog() {
  const { name, id } = view.value;
  switch (name) {
    case 'item':
      return html`<${ItemDialog} key=${id} id=${Number(id)} onClose=${close} />`;
    case 'cart':
      return !isWide.value && html`<${CartDialog} onClose=${close} />`;
    case 'review':
      return html`<${ReviewDialog} onClose=${close} />`;
    case 'progress':
      return html`<${ProgressDialog} onClose=${close} />`;
    case 'orders':
      return html`<${OrdersDialog} onClose=${close} />`;
    case 'settings':
      return html`<${SettingsDialog} onClose=${close} />`;
    default:
      return null;
  }
}
