// The dialog that asks for a token.

import { hasToken, setToken, tier } from './api.js';
import { $ } from './dom.js';
import { onLang, t } from './i18n.js';

let reason = 'change';
let pending = null;

// askToken opens the dialog and resolves true when a token has been entered and
// kept, false when the user gave up. why is 'missing', 'wrong' or 'change'.
export function askToken(why) {
  reason = why;
  words();
  if (!pending) {
    pending = {};
    pending.promise = new Promise((resolve) => { pending.resolve = resolve; });
    $('token-input').value = '';
    $('token-dialog').showModal();
    $('token-input').focus();
  }
  return pending.promise;
}

// whyRefused tells 401 and 403 apart for askToken.
export const whyRefused = () => (hasToken() ? 'wrong' : 'missing');

function words() {
  $('token-reason').textContent = t(`token.${reason}`, { tier: t(`tier.${tier}`) });
}

function settle(entered) {
  const { resolve } = pending ?? {};
  pending = null;
  $('token-dialog').close();
  resolve?.(entered);
}

$('token-form').addEventListener('submit', (e) => {
  e.preventDefault();
  const entered = $('token-input').value.trim();
  if (!entered) return;
  setToken(entered);
  settle(true);
});
$('token-cancel').addEventListener('click', () => settle(false));
$('token-dialog').addEventListener('cancel', (e) => { e.preventDefault(); settle(false); });
onLang(words);
