// What an open page does when the server no longer takes its token: it asks for another,
// once. When that is cancelled, a line stays that says so and offers to log in; no dialog
// opens by itself any more.

import { $, h } from '../core/dom';
import { onLang, t } from '../core/i18n';
import { tier } from '../core/api';
import { askToken, whyRefused, type Reason } from './token';

let line: HTMLElement | null = null;

// tokenRefused asks for a token, unless that was cancelled before; the page is loaded anew
// with the one that is entered.
export async function tokenRefused(why: Reason = whyRefused()): Promise<void> {
  if (line) return;
  if (await askToken(why)) location.reload();
  else stand(why);
}

// stand shows the line, which is there once.
function stand(why: Reason): void {
  if (line) return;
  const words = h('span');
  const button = h('button', { type: 'button', 'data-testid': 'standing-login', onclick: () => void askToken(why).then((entered) => { if (entered) location.reload(); }) });
  line = h('div', { class: 'standing', role: 'status', 'data-testid': 'standing' }, words, button);
  $('map').after(line);
  onLang(() => {
    words.textContent = t('token.standing', { tier: t(`tier.${tier}`) });
    button.textContent = t('token.title');
  });
}
