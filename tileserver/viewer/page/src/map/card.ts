// The card of layers: those of the map, the topmost first as they are drawn; and, where the
// tier has more, a list of all of them by groups, from which they are added.

import { asProblem } from '../core/api';
import { countsOf, legendsOf, type Catalog } from '../core/catalog';
import { $, h, swatch } from '../core/dom';
import { lang, onLang, pick, t } from '../core/i18n';
import { toastProblem } from '../shell/messages';
import type { Layers, Shown } from './layers';
import { layerRow, switchOf, type Row, type Year } from './row';

// manyLayers is how many layers there are before they are searched by name; legendsMost how
// many stand in the card before legends are folded; legendNames how many layers the server
// tells the legends of at once.
const manyLayers = 12;
const legendsMost = 6;
const legendNames = 16;

// LayerCard is the card, once it stands there.
export interface LayerCard {
  // years says which vintages the map shows: one, or two side by side.
  years(vintages: readonly string[]): void;
}

// createLayerCard fills the card and keeps it true.
export function createLayerCard(catalog: Catalog, layers: Layers, first: string): LayerCard {
  let years: Year[] = [];
  let rows = new Map<string, Row>();
  const folded = new Map<string, boolean>();
  const begun = new Set(layers.stack().map((l) => l.name));
  const more = createMore(layers, begun);

  const render = () => {
    const stack = layers.stack().reverse();
    rows = new Map(stack.map((l, i) => [l.name, layerRow(l, {
      layers, years, top: i === 0, bottom: i === stack.length - 1, removable: !begun.has(l.name),
      unfolded: folded.get(l.name) ?? stack.length <= legendsMost, fold: (open) => folded.set(l.name, open),
    })]));
    keepFocus($('layer-list'), () => $('layer-list').replaceChildren(...[...rows.values()].map((r) => r.item)));
    more.render();
  };
  const sync = () => { for (const r of rows.values()) r.sync(); more.sync(); };
  const legends = () => void fillLegends(layers.list.filter((l) => l.stacked || more.isOpen())).then((filled) => { if (filled) render(); });
  layers.changed((shape) => { if (shape) { render(); legends(); } else sync(); });
  more.opened(legends);
  onLang(render);

  const card: LayerCard = {
    years(vintages) {
      years = vintages.map((vintage) => ({ vintage, counts: null }));
      const mine = years;
      render();
      for (const year of mine) {
        countsOf(catalog, year.vintage).then((counts) => { year.counts = counts; if (mine === years) render(); }, (thrown: unknown) => toastProblem(asProblem(thrown)));
      }
    },
  };
  card.years([first]);
  legends();
  return card;
}

const asked = new Set<string>();

// fillLegends asks for the legends of layers that have none yet, each once; it resolves with
// whether any came.
async function fillLegends(list: Shown[]): Promise<boolean> {
  const names = list.filter((l) => !l.layer.entries.length && !asked.has(l.name)).map((l) => l.name);
  let came = false;
  for (let i = 0; i < names.length; i += legendNames) {
    const some = names.slice(i, i + legendNames);
    for (const name of some) asked.add(name);
    try {
      const legends = await legendsOf(some);
      for (const l of list) l.layer.entries = legends.get(l.name) ?? l.layer.entries;
      came = true;
    } catch (thrown) {
      for (const name of some) asked.delete(name);
      toastProblem(asProblem(thrown));
    }
  }
  return came;
}

// keepFocus renders, and gives the focus back to the element of the same data-testid, or,
// where that can no longer be used, to the switch of its row.
function keepFocus(box: HTMLElement, render: () => void): void {
  const had = box.contains(document.activeElement) ? document.activeElement?.getAttribute('data-testid') : null;
  const row = had && document.activeElement?.closest('li')?.getAttribute('data-testid');
  render();
  if (!had) return;
  const again = box.querySelector<HTMLButtonElement>(`[data-testid="${had}"]:not(:disabled)`) ?? box.querySelector<HTMLElement>(`[data-testid="${row || ''}"] .switch`);
  again?.focus();
}

// createMore is the list of all layers, shut at first, for tiers that have more than stand
// on the map at the beginning.
function createMore(layers: Layers, begun: ReadonlySet<string>) {
  const [list, button, body] = [h('div', { class: 'layer-groups' }), h('button', { type: 'button', class: 'layer-add', 'data-testid': 'layer-add', 'aria-expanded': 'false', 'aria-controls': 'layer-more' }), $('layer-more')];
  const search = h('input', { type: 'search', class: 'layer-filter', 'data-testid': 'layer-filter', maxLength: 60, oninput: () => render() });
  const openGroups = new Set<string>();
  const waiting: (() => void)[] = [];
  const needed = layers.list.some((l) => !begun.has(l.name));
  const isOpen = () => !body.hidden;

  const words = () => {
    button.textContent = isOpen() ? t('layers.add.done') : t('layers.add', { n: layers.list.filter((l) => !l.stacked).length });
    search.placeholder = t('layers.filter');
    search.setAttribute('aria-label', t('layers.filter'));
  };
  const render = () => {
    words();
    if (isOpen()) keepFocus(list, () => list.replaceChildren(...groupBoxes(layers, search.value, openGroups)));
  };
  const sync = () => {
    for (const l of layers.list) {
      const toggle = list.querySelector<HTMLInputElement>(`[data-testid="layer-pick-${CSS.escape(l.name)}"]`);
      if (toggle) toggle.checked = l.visible;
    }
  };
  button.addEventListener('click', () => {
    body.hidden = isOpen();
    $('layer-list').hidden = isOpen();
    button.setAttribute('aria-expanded', String(isOpen()));
    render();
    if (isOpen()) for (const fn of waiting) fn();
  });
  if (needed) {
    body.append(...(layers.list.length > manyLayers ? [search] : []), list);
    $('layer-body').after(button);
  }
  return { render, sync, isOpen, opened: (fn: () => void) => void waiting.push(fn) };
}

// groupBoxes are the groups of layers that fit what is searched for, folded but for those in
// open and, in a search, all.
function groupBoxes(layers: Layers, wanted: string, open: Set<string>): HTMLElement[] {
  const text = wanted.trim().toLowerCase();
  const fits = (l: Shown) => [l.name, pick(l.layer.title), ...(typeof l.layer.title === 'object' ? Object.values(l.layer.title ?? {}) : [])].some((s) => s.toLowerCase().includes(text));
  const found = layers.list.filter(fits);
  if (!found.length) return [h('p', { class: 'drop-note' }, t('layers.filter.none', { q: wanted.trim() }))];
  const groups = new Map<string, Shown[]>();
  for (const l of found) {
    const name = l.layer.record?.group ?? '';
    groups.set(name, [...groups.get(name) ?? [], l]);
  }
  return [...groups].sort(([a], [b]) => Number(a === '') - Number(b === '')).map(([name, list]) => h('details', {
    class: 'layer-group', open: text !== '' || open.has(name), 'data-testid': 'layer-group',
    ontoggle: (e: Event) => { if (!text) { if ((e.target as HTMLDetailsElement).open) open.add(name); else open.delete(name); } },
  },
  h('summary', null, h('span', null, name || t('layers.group.other')), h('small', null, t('layers.group.on', { on: list.filter((l) => l.visible).length, n: list.length }))),
  h('ul', null, list.map((l) => h('li', { lang: lang() === 'zh' ? 'zh-CN' : 'en', 'data-testid': `layer-offer-${l.name}` },
    h('label', { class: 'layer-head' }, swatch(l.layer.entries[0]), h('span', { class: 'layer-title' }, pick(l.layer.title), h('small', null, l.layer.vintages.join(' '))), switchOf(l, layers, 'layer-pick')))))));
}
