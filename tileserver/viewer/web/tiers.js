// The menu of editions: the tiers that this server has. The others are asked for
// when the menu is opened, not before, so that a page that stays in its tier
// leaves no refused request in the server's log.

import { probe, tier, tiers } from './api.js';
import { $, h } from './dom.js';
import { onLang, t } from './i18n.js';

// statuses is how the other tiers have answered, once they have been asked.
let statuses = null;

// createTiers wires the menu.
export function createTiers() {
  const [button, list] = [$('tier'), $('tier-list')];
  const show = (open) => {
    list.hidden = !open;
    button.setAttribute('aria-expanded', String(open));
  };
  const render = () => {
    $('tier-name').textContent = t(`tier.${tier}.short`);
    const there = tiers.filter((name) => name === tier || [200, 401, 403].includes(statuses?.get(name)));
    list.replaceChildren(
      ...there.map((name) => h('li', null, h('a', {
        href: addressOf(name), 'aria-current': name === tier ? 'page' : null, 'data-testid': `tier-${name}`,
      }, t(`tier.${name}`), statuses?.get(name) === 401 && h('small', null, t('tier.locked'))))),
      ...(statuses ? [] : [h('li', { class: 'drop-note' }, t('loading'))]));
  };
  button.addEventListener('click', async () => {
    show(list.hidden);
    render();
    if (list.hidden || statuses) return;
    const others = tiers.filter((name) => name !== tier);
    const answers = await Promise.all(others.map(probe));
    statuses = new Map(others.map((name, i) => [name, answers[i]]));
    render();
  });
  $('tier-box').addEventListener('keydown', (e) => { if (e.key === 'Escape') { show(false); button.focus(); } });
  document.addEventListener('pointerdown', (e) => { if (!e.target.closest('#tier-box')) show(false); });
  onLang(render);
}

// addressOf is this page in another tier, at the same place.
export function addressOf(name) {
  const address = new URL(location.href);
  address.searchParams.set('tier', name);
  return address.href;
}
