// The menu of editions: the tiers that this server has. The others are asked for
// when the menu is opened, not before, so that a page that stays in its tier
// leaves no refused request in the server's log.

import { probe, tier, tiers, type Tier } from '../core/api';
import { $, h } from '../core/dom';
import { onLang, t } from '../core/i18n';

// statuses is how the other tiers have answered, once they have been asked.
let statuses: Map<Tier, number> | null = null;

// createTiers wires the menu.
export function createTiers(): void {
  document.documentElement.dataset.tier = tier;
  const [button, list] = [$('tier'), $('tier-list')];
  const show = (open: boolean) => {
    list.hidden = !open;
    button.setAttribute('aria-expanded', String(open));
  };
  const render = () => {
    $('tier-name').textContent = t(`tier.${tier}.short`);
    const there = tiers.filter((name) => name === tier || [200, 401, 403].includes(statuses?.get(name) ?? 0));
    list.replaceChildren(
      ...there.map((name) => h('li', null, h('a', {
        href: addressOf(name), 'aria-current': name === tier ? 'page' : null, 'data-testid': `tier-${name}`,
      }, t(`tier.${name}`), statuses?.get(name) === 401 && h('small', null, t('tier.locked'))))),
      ...(statuses ? [] : [h('li', { class: 'drop-note' }, t('loading'))]));
  };
  const ask = async () => {
    const others = tiers.filter((name) => name !== tier);
    const answers = await Promise.all(others.map(probe));
    statuses = new Map(others.map((name, i) => [name, answers[i] ?? 0]));
    render();
  };
  button.addEventListener('click', () => {
    show(list.hidden);
    render();
    if (!list.hidden && !statuses) void ask();
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
