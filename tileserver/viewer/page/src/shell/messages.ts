// What the page says beside its cards: a line at the foot of the map, and the box of
// what went wrong.

import { Problem } from '../core/api';
import { $, h } from '../core/dom';
import { t } from '../core/i18n';
import type { Operation } from '../core/me';

export interface Action { label: string; run: () => void }

let timer: ReturnType<typeof setTimeout> | undefined;

// toast shows a message at the foot of the map; with an action it stays until
// it is closed or used. The function that it returns takes it away, where it still is the one
// that is shown, and tells whether it was.
export function toast(text: string, action?: Action): () => boolean {
  const box = $('toast');
  const close = () => { box.hidden = true; };
  const said = h('span', null, text);
  clearTimeout(timer);
  box.replaceChildren(
    said,
    ...(action ? [h('button', { type: 'button', onclick: () => { close(); action.run(); } }, action.label)] : []),
    h('button', { type: 'button', class: 'toast-close', 'aria-label': t('close'), onclick: close }, '×'),
  );
  box.hidden = false;
  if (!action) timer = setTimeout(close, 8000);
  return () => {
    const stands = !box.hidden && box.contains(said);
    if (stands) close();
    return stands;
  };
}

// toastReload shows a message that a reload of the page may mend.
export const toastReload = (key: 'error.tiles' | 'error.tiles.away' | 'notice.changed'): (() => boolean) => toast(t(key), { label: t('reload'), run: () => location.reload() });

let gone: string[] = []; // what the address asked for in vain, as far as it is still to be read

// toastGone says that an address asks for something that there is not; several such messages
// stand together, so that none hides another.
export function toastGone(text: string): void {
  if ($('toast').hidden) gone = [];
  gone = [...gone.filter((other) => other !== text), text];
  toast(gone.join(' '));
}

// toastProblem says what went wrong at the foot of the map.
export const toastProblem = (problem: Problem): void => void toast([problem.words(), problem.advice()].filter(Boolean).join(' '));

// toastMayNot says that what an address or a file asks for needs a right that the user lacks.
export const toastMayNot = (operation: Operation): void => void toast(t('may.not', { operation: t(`operation.${operation}`) }));

// copyText puts text into the clipboard and says so. Where the page came by http, browsers
// have no clipboard for scripts but the one of selected text.
export async function copyText(text: string): Promise<void> {
  const done = window.isSecureContext ? await navigator.clipboard.writeText(text).then(() => true, () => false) : copySelected(text);
  toast(t(done ? 'copied' : 'copy.failed'));
}

function copySelected(text: string): boolean {
  const before = document.activeElement;
  const box = h('textarea', { class: 'hidden', value: text, readOnly: true });
  document.body.append(box);
  box.select();
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is nothing else without https
  const done = document.execCommand('copy');
  box.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}

// problemBox shows what is wrong: a Problem with the server's words and its code, or
// any other error's message.
export function problemBox(problem: Error, again?: Action | false): HTMLElement {
  const own = problem instanceof Problem;
  const advice = own ? problem.advice() : '';
  return h('div', { class: 'problem', role: 'alert', 'data-testid': 'problem' },
    h('strong', null, own ? problem.words() : problem.message),
    advice && h('p', null, advice),
    own && problem.code && h('code', null, problem.code),
    again && h('button', { type: 'button', onclick: again.run }, again.label));
}

// busyBox says that something is on its way.
export const busyBox = (text: string): HTMLElement => h('div', { class: 'busy', role: 'status' }, h('span', { class: 'spinner', 'aria-hidden': 'true' }), text);
