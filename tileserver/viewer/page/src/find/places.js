// Finding a place by name or code: GET /{tier}/places?q=, a list under the
// search box. Enter or a click shows the place; its second button measures it.

import { get } from '../core/api';
import { $, h } from '../core/dom';
import { toastProblem } from '../shell/messages';
import { onLang, pick, t } from '../core/i18n';

// pauseMs is how long typing must rest before the server is asked.
const pauseMs = 220;

// createPlaces wires the box: show(extent) and measure(place) act on a choice.
export function createPlaces({ show, measure }) {
  const [input, list] = [$('search-input'), $('search-list')];
  let found = [];
  let timer = 0;
  let request = null;

  const shut = () => { list.hidden = true; };
  const choose = (place, action) => { input.value = pick(place.name); shut(); action(place); };
  const render = () => {
    if (!found.length) {
      list.replaceChildren(h('li', { class: 'drop-note' }, t('search.none', { q: input.value.trim() })));
      return;
    }
    list.replaceChildren(...found.map((place) => h('li', null,
      h('button', { type: 'button', class: 'place', onclick: () => choose(place, (p) => show(p.extent)) },
        h('span', null, pick(place.name)), h('code', null, place.code)),
      h('button', { type: 'button', class: 'place-measure', onclick: () => choose(place, (p) => { show(p.extent); measure({ code: p.code, name: pick(p.name) }); }) }, t('search.measure')))));
  };
  const ask = async () => {
    const q = input.value.trim();
    request?.abort();
    if (!q) { shut(); return; }
    const mine = new AbortController();
    request = mine;
    try {
      const answer = await get(`places?q=${encodeURIComponent(q)}`, mine.signal);
      found = (answer?.places ?? []).slice(0, 20);
      render();
      list.hidden = false;
    } catch (problem) {
      if (problem.name !== 'AbortError') { shut(); toastProblem(problem); }
    }
  };

  input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, pauseMs); });
  $('search').addEventListener('submit', async (e) => {
    e.preventDefault();
    clearTimeout(timer);
    await ask();
    if (!list.hidden && found.length) choose(found[0], (p) => show(p.extent));
  });
  $('search').addEventListener('keydown', (e) => {
    if (e.key === 'Escape') { shut(); input.focus(); }
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
    const stops = [input, ...list.querySelectorAll('.place')];
    const at = stops.indexOf(document.activeElement.closest?.('li')?.querySelector('.place') ?? document.activeElement);
    stops[Math.min(Math.max(at + (e.key === 'ArrowDown' ? 1 : -1), 0), stops.length - 1)].focus();
    e.preventDefault();
  });
  document.addEventListener('pointerdown', (e) => { if (!e.target.closest('#search')) shut(); });
  onLang(() => { if (!list.hidden) render(); });
}
