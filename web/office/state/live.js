// Keeps the page up to date. The store's stream has events for changes of the menu.
import { checkBuild } from '../../lib/build.js';
import { open, view } from '../../lib/view.js';
import { account, login, refreshAccount } from './account.js';
import * as audit from './audit.js';
import * as availability from './availability.js';
import { clearFilter } from './filter.js';
import { demo, menu, tables, users } from './lists.js';

const LISTS = [menu, tables, users, demo];

export const stream = login.stream(handle);

/** @param {string} name */
function handle(name) {
  if (name === 'connected') checkBuild();
  if (name === 'connected' || name === 'reset' || name === 'menu_changed') menu.load();
}

/** The store that is shown. */
let store = '';

/** Starts or continues with the store of the login. */
export async function start() {
  const { store_id = '', role } = account.value ?? {};
  const isOther = store !== '' && store !== store_id;
  if (isOther) {
    forget();
    open(section());
  }
  store = store_id;
  if (role === 'owner') {
    stream.start();
    menu.load();
    demo.load();
    // A section loads its list only when it is opened, and it stays open when the store changes.
    const shown = isOther ? section() : '';
    if (shown === 'tables' || tables.data.peek() || tables.error.peek()) tables.load();
    if (shown === 'users' || users.data.peek() || users.error.peek()) users.load();
    if (shown === 'audit' || audit.failure.peek()) audit.load();
  } else {
    stream.stop();
  }
  await refreshAccount();
}

function forget() {
  for (const list of LISTS) list.reset();
  audit.reset();
  availability.reset();
  clearFilter();
}

export function leave() {
  stream.stop();
  login.signOut();
  forget();
  store = '';
}

const SECTIONS = ['menu', 'tables', 'users', 'audit'];

/** The section that is shown. */
export function section() {
  return SECTIONS.includes(view.value.name) ? view.value.name : 'menu';
}

/** Closes the dialog of the section. */
export function closeDialog() {
  open(section());
}

/**
 * Opens a dialog over the section.
 *
 * @param {string} kind
 * @param {number} [id] of its subject
 */
export function openDialog(kind, id = 0) {
  open(section(), `${kind}-${id}`);
}

/** The dialog that is open. @returns {{ kind: string, id: number }} */
export function dialog() {
  const [kind = '', id = ''] = view.value.id.split('-');
  return { kind, id: Number(id) };
}
