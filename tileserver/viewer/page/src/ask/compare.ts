// Alternatives for a site side by side: measured shapes that are kept, each with its name
// and colour on the map, their figures in a table.

import type { Feature } from 'geojson';
import type { App } from '../app';
import { aborted, asProblem, onVintage, vintage } from '../core/api';
import { measured } from '../core/catalog';
import { h, save, stamp, type Child } from '../core/dom';
import { area, haOf, muOf } from '../core/format';
import { extentOf } from '../core/geometry';
import { onLang, t } from '../core/i18n';
import { fit } from '../map/map';
import { yearText } from '../map/year';
import { createCard } from '../shell/cards';
import { busyBox, problemBox, toast } from '../shell/messages';
import type { Answer, Asked } from './answer';
import { table as csvTable } from './csv';
import { createDrawn, type LayerOf } from './drawn';
import { measuredOf } from './jobs';
import { printSheet } from '../shell/print';
import { printedOf } from './print';
import { createSiting } from './siting';
import { figure, titleIn, units, vintageLine } from './tables';

// inks are the colours of the alternatives; each has its name beside it on the map.
const inks = ['#7b2d8b', '#b4470a', '#0b6b63', '#b01657'];
const numbers = ['一', '二', '三', '四'];

// Alternative is a shape that was kept, and its figures.
export interface Alternative { n: number; name: string; ink: string; asked: Asked; answer: Answer }

export interface Compare { keep: (asked: Asked, answer: Answer) => void; nextName: () => string }

type Unit = (typeof units)[number];

// createCompare makes the card.
export function createCompare(app: App): Compare {
  const card = createCard('compare', 'side.compare');
  const drawn = createDrawn(app.map, 'ask-alternatives', layersFor(app));
  const siting = createSiting(app, () => render());
  let kept: Alternative[] = [];
  let unit: Unit = 'mu';
  let asking: AbortController | null = null;
  let problem: Error | null = null;
  const free = () => inks.findIndex((_, n) => !kept.some((k) => k.n === n));
  const nameOf = (n: number) => t('compare.name', { n: n < 0 ? '' : document.documentElement.lang.startsWith('zh') ? numbers[n] ?? '' : n + 1 });
  const draw = () => drawn.show(kept.flatMap((k): Feature[] => (k.asked.geometry ? [{ type: 'Feature', properties: { n: k.n, name: k.name, ink: k.ink }, geometry: k.asked.geometry }] : [])));
  const render = () => card.fill(content());
  // anew measures them in the vintage that the page has turned to.
  const anew = async () => {
    asking?.abort();
    const mine = new AbortController();
    const list = kept;
    [asking, problem] = [mine, null];
    siting.forget();
    render();
    try {
      const answers = await Promise.all(list.map((k) => measuredOf(app.catalog, k.asked, mine.signal)));
      answers.forEach((answer, i) => { const k = list[i]; if (k) k.answer = answer; });
    } catch (thrown) {
      if (aborted(thrown)) return; // another vintage, or nobody waits
      problem = asProblem(thrown);
    }
    asking = null;
    render();
  };
  const shut = () => { asking?.abort(); [kept, asking, problem] = [[], null, null]; siting.forget(); draw(); };
  const remove = (k: Alternative) => {
    kept = kept.filter((o) => o !== k);
    siting.forget();
    draw();
    if (kept.length) render();
    else card.close();
  };
  const content = (): Child => {
    if (asking) return busyBox(t('overlay.anew', { vintage: yearText(vintage()) }));
    return problem ? problemBox(problem, { label: t('retry'), run: () => void anew() }) : figures();
  };
  const figures = (): Child => printedOf(h('div', { class: 'report compare', 'data-testid': 'compare' },
    h('div', { class: 'units', 'data-screen': '', role: 'group', 'aria-label': t('overlay.unit') }, units.map((u) => h('button', { type: 'button', 'aria-pressed': String(u === unit), 'data-testid': `compare-unit-${u}`, onclick: () => { unit = u; render(); } }, t(`overlay.${u}`)))),
    vintageLine(app.catalog, kept.map((k) => k.answer)),
    mixed(kept) && h('p', { class: 'notice-line', 'data-testid': 'compare-mixed' }, t('compare.generations')),
    h('div', { class: 'scroll-x' }, tableOf(app, kept, unit, { rename: (k, name) => { k.name = name; draw(); siting.forget(); }, remove, go: (k) => { if (k.asked.geometry) fit(app.map, extentOf(k.asked.geometry)); } })),
    h('p', { class: 'note' }, t('compare.note')),
    siting.section(kept),
    h('div', { class: 'report-buttons' },
      h('button', { type: 'button', 'data-testid': 'compare-csv', onclick: () => save(csvOf(app, kept), 'text/csv;charset=utf-8', `gengtu-compare-${stamp()}.csv`) }, t('download')),
      h('button', { type: 'button', 'data-testid': 'compare-print', onclick: printSheet }, t('overlay.print')))), 'print.compare', kept.map((k) => k.answer));
  onLang(() => { if (card.isOpen()) render(); });
  onVintage(() => { if (card.isOpen()) void anew(); });
  return {
    nextName: () => nameOf(free() < 0 ? inks.length : free()),
    keep: (asked, answer) => {
      const n = free();
      if (n < 0) { toast(t('overlay.keep.full', { n: inks.length })); return; }
      kept = [...kept, { n, name: nameOf(n), ink: inks[n] ?? '', asked, answer }].sort((a, b) => a.n - b.n);
      siting.forget();
      draw();
      card.open(content(), shut);
    },
  };
}

// layersFor are the layers of the alternatives; their names are written as the style's own are.
function layersFor(app: App): LayerOf[] {
  const label = app.map.getStyle().layers.find((l) => l.type === 'symbol' && l.layout?.['text-font']);
  const font = label?.type === 'symbol' ? label.layout?.['text-font'] : undefined;
  return [
    { id: 'ask-alternatives-fill', type: 'fill', paint: { 'fill-color': ['get', 'ink'], 'fill-opacity': 0.14 } },
    { id: 'ask-alternatives-line', type: 'line', paint: { 'line-color': ['get', 'ink'], 'line-width': 2.5 } },
    ...(font ? [{ id: 'ask-alternatives-name', type: 'symbol', layout: { 'text-field': ['get', 'name'], 'text-font': font, 'text-size': 15, 'text-allow-overlap': true }, paint: { 'text-color': ['get', 'ink'], 'text-halo-color': '#ffffff', 'text-halo-width': 2 } }] : []),
  ] as LayerOf[];
}

// mixed tells whether answers are of different states of the data.
function mixed(kept: Alternative[]): boolean {
  const state = ({ answer }: Alternative) => JSON.stringify([answer.generation, (answer.layers ?? []).map((l) => l.vintage)]);
  return new Set(kept.map(state)).size > 1;
}

// Row is a line of the table: a figure of each alternative in m², and as the answer gives
// it in other units where it does.
interface Row { key: string; title: string; values: Partial<Record<Unit, number | null>>[]; differs: boolean }

function rowsOf(app: App, kept: Alternative[]): Row[] {
  const title = titleIn(app.catalog);
  const row = (key: string, text: string, of: (a: Answer) => Partial<Record<Unit, number | null | undefined>> | undefined): Row => ({
    key, title: text, differs: key !== 'aoi', values: kept.map(({ answer }) => { const v = of(answer) ?? {}; return { m2: v.m2 ?? null, mu: v.mu ?? muOf(v.m2), ha: v.ha ?? haOf(v.m2) }; }),
  });
  const layer = (a: Answer, name: string) => a.layers?.find((l) => l.layer === name);
  const rows = [row('aoi', t('compare.aoi'), ({ aoi }) => ({ m2: aoi?.area_m2, mu: aoi?.area_mu, ha: aoi?.area_ha }))];
  for (const name of measured(app.catalog)) {
    rows.push(row(name, title(name), (a) => { const l = layer(a, name); return { m2: l?.area_m2, mu: l?.area_mu, ha: l?.area_ha }; }));
    if (kept.some((k) => layer(k.answer, name)?.net_m2 != null)) rows.push(row(`${name}-net`, t('compare.net', { layer: title(name) }), (a) => ({ m2: layer(a, name)?.net_m2, mu: layer(a, name)?.net_mu })));
  }
  if (kept.some((k) => k.answer.combinations)) rows.push(row('none', t('compare.none'), (a) => ({ m2: a.combinations ? a.combinations.find((c) => !c.inside?.length)?.area_m2 ?? 0 : null })));
  return rows;
}

interface Doing { rename: (k: Alternative, name: string) => void; remove: (k: Alternative) => void; go: (k: Alternative) => void }

function tableOf(app: App, kept: Alternative[], unit: Unit, doing: Doing): HTMLElement {
  const head = (k: Alternative) => h('th', { scope: 'col', class: 'number', 'data-testid': `alternative-${k.n}` },
    h('span', { class: 'alternative-ink', style: { 'background-color': k.ink }, 'aria-hidden': 'true' }),
    h('span', { class: 'print-only' }, k.name),
    h('input', { type: 'text', value: k.name, maxLength: 20, 'aria-label': t('compare.rename'), 'data-testid': `compare-name-${k.n}`, onchange: (e: Event) => doing.rename(k, (e.target as HTMLInputElement).value.trim() || k.name) }),
    h('span', { class: 'alternative-buttons' },
      k.asked.geometry && h('button', { type: 'button', class: 'link', 'aria-label': t('compare.go', { name: k.name }), title: t('compare.go', { name: k.name }), onclick: () => doing.go(k) }, '◎'),
      h('button', { type: 'button', class: 'link', 'aria-label': t('compare.remove', { name: k.name }), title: t('compare.remove', { name: k.name }), 'data-testid': `compare-remove-${k.n}`, onclick: () => doing.remove(k) }, '×')));
  return h('table', { class: 'areas compare-table' },
    h('caption', { class: 'unit' }, t('overlay.unit.is', { unit: t(`overlay.${unit}`) })),
    h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('compare.figure')), kept.map(head))),
    h('tbody', null, rowsOf(app, kept).map((row) => lineOf(row, kept, unit))));
}

function lineOf(row: Row, kept: Alternative[], unit: Unit): HTMLElement {
  const known = row.values.map((v) => v.m2).filter((v): v is number => v != null);
  const least = known.length > 1 ? Math.min(...known) : null;
  const ties = row.values.filter((v) => v.m2 === least).length;
  const cell = (v: Row['values'][number], i: number): HTMLElement => {
    const over = row.differs && least !== null && v.m2 != null && v.m2 > least ? v.m2 - least : null;
    const isLeast = row.key === 'pbf' && least !== null && v.m2 === least;
    return h('td', { class: 'number' },
      figure(v[unit], `compare-${kept[i]?.n ?? i}-${row.key}`),
      over !== null && h('small', { title: t('compare.over', { n: area(inUnit(over, unit)) }) }, `+${area(inUnit(over, unit))}`),
      isLeast && h('strong', { class: 'least', 'data-testid': `compare-least-${kept[i]?.n ?? i}` }, t(ties > 1 ? 'compare.least.same' : 'compare.least')));
  };
  return h('tr', null, h('th', { scope: 'row' }, row.title), row.values.map(cell));
}

const inUnit = (m2: number, unit: Unit): number | null => (unit === 'mu' ? muOf(m2) : unit === 'ha' ? haOf(m2) : m2);

function csvOf(app: App, kept: Alternative[]): string {
  const rows = rowsOf(app, kept);
  return csvTable([
    ['figure', 'title', 'unit', ...kept.map((k) => k.name)],
    ...rows.flatMap((row) => (['m2', 'mu'] as const).map((unit) => [row.key, row.title, unit, ...row.values.map((v) => v[unit])])),
    ['generation', t('print.generation'), '', ...kept.map((k) => k.answer.generation ?? '')],
    ['vintage', t('print.vintage'), '', ...kept.map((k) => [...new Set((k.answer.layers ?? []).map((l) => l.vintage))].join(' '))],
  ]);
}
