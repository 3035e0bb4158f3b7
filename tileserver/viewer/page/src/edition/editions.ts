// The box in the stead of the map where the address asks for an edition that this server
// does not have: it says so, and offers those that there are. The room edition says which
// edition is shown, to whom and under which conditions; it never decides what may be seen.

import { served } from '../core/api';
import { h } from '../core/dom';
import { onLang, t } from '../core/i18n';
import { addressOf } from './tiers';

// noEdition returns the box, with the fault in words, and what takes it away; the box follows
// the page's language until then. Where the server does not say which editions it has, again
// runs at a button.
export async function noEdition(fault: () => string, again: () => void): Promise<{ box: HTMLElement; close: () => void }> {
  const there = await served();
  const box = h('div', { class: 'problem editions', role: 'alert', 'data-testid': 'problem' });
  const unnamed = onLang(() => box.replaceChildren(
    h('strong', null, fault()),
    h('p', null, t(there.length ? 'edition.there' : 'edition.there.unknown')),
    there.length ? h('p', { class: 'editions-there' }, there.map((name) => h('a', { href: addressOf(name), 'data-testid': `edition-${name}` }, t(`tier.${name}`))))
      : h('button', { type: 'button', onclick: again }, t('retry'))));
  return { box, close: () => { unnamed(); box.remove(); } };
}
