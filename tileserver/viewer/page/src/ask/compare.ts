// Alternatives for a site side by side: measured shapes that are kept, each with its name
// and colour on the map, their figures in a table.

import type { Feature } from 'geojson';
import type { App } from '../app';
import { aborted, asProblem, onVintage, vintage } from '../core/api';
import { measured } from '../core/catalog';
import { h, save, stamp, type Child } from '../core/dom';
import { area, haOf, inUnit, muOf, type Unit } from '../core/format';
import { extentOf } from '../core/geometry';
import { label, onLang, t } from '../core/i18n';
import { fit } from '../map/map';
import { yearText } from '../map/year';
import { printSheet } from '../print/print';
import { createCard, type Card } from '../shell/cards';
import { busyBox, problemBox, toast } from '../shell/messages';
import type { Alternative } from './alternative';
import type { Answer, Asked } from './answer';
import { table as csvTable } from './csv';
import { createDrawn, type Drawn, type LayerOf } from './drawn';
import { measuredOf } from './jobs';
import { printedOf } from './print';
import { createSiting, type Siting } from './siting';
import { figure, titleIn, units, vintageLine } from './tables';

// inks are the colours of the alternatives; each has its name beside it on the map.
const inks = ['#7b2d8b', '#b4470a', '#0b6b63', '#b01657'];
const numbers = ['一', '二', '三', '四'];

export interface Compare { keep: (asked: Asked, answer: Answer) => void; nextName: () => string }

// Shelf is what the card holds: what is kept, in which unit it is shown, and what is being
// measured anew, or why that failed.
interface Shelf {
  readonly app: App;
  readonly card: Card;
  readonly drawn: Drawn;
  readonly siting: Siting;
  kept: Alternative[];
  unit: Unit;
  asking: AbortController | null;
  problem: Error | null;
}

// createCompare makes the card.
export function createCompare(app: App): Compare {
  const shelf: Shelf = {
    app, card: createCard('compare', 'side.compare'), drawn: createDrawn(app.map, 'ask-alternatives', layersFor(app)), siting: createSiting(app),
    kept: [], unit: 'mu', asking: null, problem: null,
  };
  onLang(() => { if (shelf.card.isOpen()) render(shelf); });
  onVintage(() => { if (shelf.card.isOpen()) void anew(shelf); });
  return { nextName: () => nameOf(free(shelf) < 0 ? inks.length : free(shelf)), keep: (asked, answer) => keep(shelf, asked, answer) };
}

// free is the first number that no alternative has, -1 where all are taken.
const free = ({ kept }: Shelf): number => inks.findIndex((_, n) => !kept.some((k) => k.n === n));

const nameOf = (n: number): string => t('compare.name', { n: n < 0 ? '' : document.documentElement.lang.startsWith('zh') ? numbers[n] ?? '' : n + 1 });

// keep takes a measured shape in, while there is room.
function keep(shelf: Shelf, asked: Asked, answer: Answer): void {
  const n = free(shelf);
  if (n < 0) { toast(t('overlay.keep.full', { n: inks.length })); return; }
  shelf.kept = [...shelf.kept, { n, name: nameOf(n), ink: inks[n] ?? '', asked, answer }].sort((a, b) => a.n - b.n);
  shelf.siting.forget();
  draw(shelf);
  shelf.card.open(content(shelf), () => empty(shelf));
}

function remove(shelf: Shelf, k: Alternative): void {
  shelf.kept = shelf.kept.filter((o) => o !== k);
  shelf.siting.forget();
  draw(shelf);
  if (shelf.kept.length) render(shelf);
  else shelf.card.close();
}

// rename leaves the table where it is, with the keyboard and what is being clicked in it: its
// head writes the name anew, the verdicts about the name of before go.
function rename(shelf: Shelf, k: Alternative, name: string): void {
  k.name = name;
  draw(shelf);
  shelf.siting.forget();
}

// empty forgets all, once the card is shut.
function empty(shelf: Shelf): void {
  shelf.asking?.abort();
  Object.assign(shelf, { kept: [], asking: null, problem: null });
  shelf.siting.forget();
  draw(shelf);
}

// anew measures them in the vintage that the page has turned to.
async function anew(shelf: Shelf): Promise<void> {
  shelf.asking?.abort();
  const mine = new AbortController();
  const list = shelf.kept;
  Object.assign(shelf, { asking: mine, problem: null });
  shelf.siting.forget();
  render(shelf);
  try {
    const answers = await Promise.all(list.map((k) => measuredOf(shelf.app.catalog, k.asked, mine.signal)));
    answers.forEach((answer, i) => { const k = list[i]; if (k) k.answer = answer; });
  } catch (thrown) {
    if (aborted(thrown)) return; // another vintage, or nobody waits
    shelf.problem = asProblem(thrown);
  }
  shelf.asking = null;
  render(shelf);
}

function draw({ drawn, kept }: Shelf): void {
  drawn.show(kept.flatMap((k): Feature[] => (k.asked.geometry ? [{ type: 'Feature', properties: { n: k.n, name: k.name, ink: k.ink }, geometry: k.asked.geometry }] : [])));
}

const render = (shelf: Shelf): void => shelf.card.fill(content(shelf));

function content(shelf: Shelf): Child {
  if (shelf.asking) return busyBox(t('overlay.anew', { vintage: yearText(vintage()) }));
  return shelf.problem ? problemBox(shelf.problem, { label: t('retry'), run: () => void anew(shelf) }) : figures(shelf);
}

function figures(shelf: Shelf): Child {
  const { app, kept, unit } = shelf;
  const doing: Doing = {
    rename: (k, name) => rename(shelf, k, name), remove: (k) => remove(shelf, k),
    go: (k) => { if (k.asked.geometry) fit(app.map, extentOf(k.asked.geometry)); },
  };
  return printedOf(h('div', { class: 'report compare', 'data-testid': 'compare' },
    unitChoice(shelf),
    vintageLine(app.catalog, kept.map((k) => k.answer)),
    mixed(kept) && h('p', { class: 'notice-line', 'data-testid': 'compare-mixed' }, t('compare.generations')),
    h('div', { class: 'scroll-x' }, tableOf(app, kept, unit, doing)),
    h('p', { class: 'note' }, t('compare.note')),
    shelf.siting.section(kept),
    h('div', { class: 'report-buttons' },
      h('button', { type: 'button', 'data-testid': 'compare-csv', onclick: () => save(csvOf(app, kept), 'text/csv;charset=utf-8', `gengtu-compare-${stamp()}.csv`) }, t('download')),
      h('button', { type: 'button', 'data-testid': 'compare-print', onclick: printSheet }, t('overlay.print')))), 'print.compare', kept.map((k) => k.answer));
}

function unitChoice(shelf: Shelf): HTMLElement {
  const button = (u: Unit) => h('button', { type: 'button', 'aria-pressed': String(u === shelf.unit), 'data-testid': `compare-unit-${u}`, onclick: () => { shelf.unit = u; render(shelf); } }, t(`overlay.${u}`));
  return h('div', { class: 'units', 'data-screen': '', role: 'group', 'aria-label': t('overlay.unit') }, units.map(button));
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
  return h('table', { class: 'areas compare-table' },
    h('caption', { class: 'unit' }, t('overlay.unit.is', { unit: t(`overlay.${unit}`) })),
    h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('compare.figure')), kept.map((k) => headOf(k, doing)))),
    h('tbody', null, rowsOf(app, kept).map((row) => lineOf(row, kept, unit))));
}

// headOf is the head of an alternative's column, which writes its name anew when it changes.
function headOf(k: Alternative, doing: Doing): HTMLElement {
  const onPaper = h('span', { class: 'print-only' });
  const input = h('input', {
    type: 'text', maxLength: 20, 'aria-label': t('compare.rename'), 'data-testid': `compare-name-${k.n}`, onchange: () => { doing.rename(k, input.value.trim() || k.name); named(); },
  });
  const go = k.asked.geometry && h('button', { type: 'button', class: 'link', onclick: () => doing.go(k) }, '◎');
  const remove = h('button', { type: 'button', class: 'link', 'data-testid': `compare-remove-${k.n}`, onclick: () => doing.remove(k) }, '×');
  const named = () => {
    onPaper.textContent = input.value = k.name;
    if (go) label(go, t('compare.go', { name: k.name }));
    label(remove, t('compare.remove', { name: k.name }));
  };
  named();
  return h('th', { scope: 'col', class: 'number', 'data-testid': `alternative-${k.n}` },
    h('span', { class: 'alternative-ink', style: { 'background-color': k.ink }, 'aria-hidden': 'true' }), onPaper, input, h('span', { class: 'alternative-buttons' }, go, remove));
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

function csvOf(app: App, kept: Alternative[]): string {
  const rows = rowsOf(app, kept);
  return csvTable([
    ['figure', 'title', 'unit', ...kept.map((k) => k.name)],
    ...rows.flatMap((row) => (['m2', 'mu'] as const).map((unit) => [row.key, row.title, unit, ...row.values.map((v) => v[unit])])),
    ['generation', t('print.generation'), '', ...kept.map((k) => k.answer.generation ?? '')],
    ['vintage', t('print.vintage'), '', ...kept.map((k) => [...new Set((k.answer.layers ?? []).map((l) => l.vintage))].join(' '))],
  ]);
}
