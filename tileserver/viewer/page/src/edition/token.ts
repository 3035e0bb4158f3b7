// The dialog that asks for a token, or sends the user to an issuer.

import { hasToken, setToken, tier } from '../core/api';
import { greetKey } from '../core/kept';
import { $, h } from '../core/dom';
import { lang, onLang, t } from '../core/i18n';
import type { LoginPlace } from '../core/me';
import { logIn } from './issuer';

export type Reason = 'missing' | 'wrong' | 'change' | 'ended';

let reason: Reason = 'change';
let detail = '';
let places: LoginPlace[] = [];
let pending: { promise: Promise<boolean>; resolve: (entered: boolean) => void } | null = null;

// keepPlaces tells where users can log in; what is told stays until something else is.
export function keepPlaces(known: LoginPlace[]): void {
  if (known.length) places = known;
}

// askToken opens the dialog and resolves true when a token has been entered and
// kept, false when the user gave up. said is what the server says is wrong.
export function askToken(why: Reason, said = ''): Promise<boolean> {
  reason = why;
  detail = said;
  words();
  if (!pending) {
    let resolve: (entered: boolean) => void = () => undefined;
    const promise = new Promise<boolean>((r) => { resolve = r; });
    pending = { promise, resolve };
    $<HTMLInputElement>('token-input').value = '';
    $<HTMLDialogElement>('token-dialog').showModal();
    (document.querySelector<HTMLElement>('#token-places button') ?? $('token-input')).focus();
  }
  return pending.promise;
}

// whyRefused tells 401 and 403 apart for askToken.
export const whyRefused = (): Reason => (hasToken() ? 'wrong' : 'missing');

// sentence writes what the server says, which has neither a capital letter nor a stop.
function sentence(text: string): string {
  if (!text) return '';
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.。!！?？]$/.test(whole) ? whole : whole + (lang() === 'zh' ? '。' : '.');
}

function words(): void {
  $('token-reason').textContent = [t(`token.${reason}`, { tier: t(`tier.${tier}`) }), reason === 'wrong' ? sentence(detail) : ''].filter(Boolean).join(' ');
  $('token-places').replaceChildren(...places.map((place) => h('button', { type: 'button', class: 'strong', 'data-testid': 'login', onclick: () => logIn(place) }, t('me.login', { title: place.title }))),
    ...(places.length ? [h('p', { class: 'dialog-or' }, t('token.or'))] : []));
  $('token-places').hidden = !places.length;
}

function settle(entered: boolean): void {
  const asked = pending;
  pending = null;
  $<HTMLDialogElement>('token-dialog').close();
  asked?.resolve(entered);
}

$('token-form').addEventListener('submit', (e) => {
  e.preventDefault();
  const entered = $<HTMLInputElement>('token-input').value.trim();
  if (!entered) return;
  setToken(entered);
  sessionStorage.setItem(greetKey(tier), '1');
  settle(true);
});
$('token-cancel').addEventListener('click', () => settle(false));
$('token-dialog').addEventListener('cancel', (e) => { e.preventDefault(); settle(false); });
onLang(words);
