// The dialog that asks for a token.

import { hasToken, setToken, tier } from '../core/api';
import { $ } from '../core/dom';
import { onLang, t } from '../core/i18n';

export type Reason = 'missing' | 'wrong' | 'change';

let reason: Reason = 'change';
let pending: { promise: Promise<boolean>; resolve: (entered: boolean) => void } | null = null;

// askToken opens the dialog and resolves true when a token has been entered and
// kept, false when the user gave up.
export function askToken(why: Reason): Promise<boolean> {
  reason = why;
  words();
  if (!pending) {
    let resolve: (entered: boolean) => void = () => undefined;
    const promise = new Promise<boolean>((r) => { resolve = r; });
    pending = { promise, resolve };
    $<HTMLInputElement>('token-input').value = '';
    $<HTMLDialogElement>('token-dialog').showModal();
    $('token-input').focus();
  }
  return pending.promise;
}

// whyRefused tells 401 and 403 apart for askToken.
export const whyRefused = (): Reason => (hasToken() ? 'wrong' : 'missing');

function words(): void {
  $('token-reason').textContent = t(`token.${reason}`, { tier: t(`tier.${tier}`) });
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
  settle(true);
});
$('token-cancel').addEventListener('click', () => settle(false));
$('token-dialog').addEventListener('cancel', (e) => { e.preventDefault(); settle(false); });
onLang(words);
