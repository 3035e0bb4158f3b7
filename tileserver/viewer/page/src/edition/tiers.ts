// The menu of editions: the tiers that this server has, which it is asked for when the menu
// is opened. Nothing is asked of a tier that the page is not in.

import { hasTokenFor, served, tier, tierUnknown, type Tier } from '../core/api';
import { $, h } from '../core/dom';
import { onLang, t } from '../core/i18n';

// there are the tiers of the server, once it has been asked.
let there: Tier[] | null = null;

// createTiers wires the menu.
export function createTiers(): void {
  if (!tierUnknown) document.documentElement.dataset.tier = tier;
  const [button, list] = [$('tier'), $('tier-list')];
  const show = (open: boolean) => {
    list.hidden = !open;
    button.setAttribute('aria-expanded', String(open));
  };
  const render = () => {
    $('tier-name').textContent = t(tierUnknown ? 'tier.unknown' : `tier.${tier}.short`);
    list.replaceChildren(
      ...(there ?? (tierUnknown ? [] : [tier])).map((name) => h('li', null, h('a', {
        href: addressOf(name), 'aria-current': name === tier && !tierUnknown ? 'page' : null, 'data-testid': `tier-${name}`,
      }, t(`tier.${name}`), name !== 'public' && !hasTokenFor(name) && h('small', null, t('tier.locked'))))),
      ...(there ? [] : [h('li', { class: 'drop-note' }, t('loading'))]));
  };
  const ask = async () => {
    const all = await served();
    there = all.length > 0 ? all : null; // asked again when it is opened again
    render();
  };
  button.addEventListener('click', () => {
    show(list.hidden);
    render();
    if (!list.hidden && !there) void ask();
  });
  $('tier-box').addEventListener('keydown', (e) => { if (e.key === 'Escape') { show(false); button.focus(); } });
  document.addEventListener('pointerdown', (e) => { if (!(e.target as Element).closest('#tier-box')) show(false); });
  onLang(render);
}

// addressOf is this page in another tier, at the same place.
export function addressOf(name: Tier): string {
  const address = new URL(location.href);
  address.searchParams.set('tier', name);
  return address.href;
}
