// The tables of an overlay answer. The figures are the answer's own; the page converts
// units of those that it gives in m² alone.

import { vintage } from '../core/api';
import { lacking, layerOf, type Catalog, type Layer } from '../core/catalog';
import { h, swatch, type Child } from '../core/dom';
import { codeTitle } from '../core/fields';
import { area, count, haOf, muOf, percent } from '../core/format';
import { joined, lang, pick, t } from '../core/i18n';
import { yearText } from '../map/year';
import type { Answer, Combination, Failure, Group, LayerAnswer, Told } from './answer';

export const units = ['mu', 'ha', 'm2'] as const;

export type Figures = Record<(typeof units)[number], number | null | undefined>;

// titleIn returns a function that names layers in the page's language.
export const titleIn = (catalog: Catalog) => (name: string): string => pick(layerOf(catalog, name).title);

// figure is a number as text with the number as it was given beside it.
export function figure(n: number | null | undefined, testid?: string): HTMLElement {
  return h('data', { value: n == null ? '' : String(n), title: n == null ? '' : String(n), 'data-testid': testid }, area(n));
}

// cells are a figure in all units; testid names them.
const cells = (f: Figures, testid?: string): HTMLElement[] => units.map((u) => h('td', { class: 'number' }, figure(f[u], testid && `${testid}-${u}`)));

// columns is the head of a table of areas.
export const columns = (first: string): HTMLElement => h('thead', null, h('tr', null, h('th', { scope: 'col' }, first), units.map((u) => h('th', { scope: 'col', class: 'number' }, t(`overlay.${u}`)))));

// toldText is what is said of a shape, in the page's language.
export function toldText(told: Told): string {
  if (typeof told === 'string') return told === 'AOI_OUTSIDE' ? t('overlay.outside.all') : told;
  if (told.code === 'AOI_OUTSIDE') return t('overlay.outside.all');
  const [own, advice] = lang() === 'zh' ? [told.zh, told.advice_zh] : [told.en, told.advice_en];
  return [own ?? told.detail ?? told.message ?? '', advice].filter(Boolean).join(lang() === 'zh' ? '。' : '. ');
}

// vintagesOf are the vintages that answers are of, the newest first.
export const vintagesOf = (answers: Answer[]): string => [...new Set(answers.flatMap((a) => (a.layers ?? []).flatMap((l) => l.vintage ?? [])))].sort().reverse().join(' ');

// vintageLine says of which vintage figures are, and which layers that lacks.
export function vintageLine(catalog: Catalog, answers: Answer[]): Child {
  const of = vintagesOf(answers);
  const missing = lacking(catalog);
  return [
    of && h('p', { class: 'note', 'data-testid': 'overlay-vintage' }, t('overlay.vintage', { vintage: of })),
    missing.length > 0 && h('p', { class: 'notice-line', 'data-testid': 'overlay-lacks' }, t('overlay.lacks', { vintage: yearText(vintage()), layers: joined(missing.map(titleIn(catalog))) })),
  ];
}

// notices are what is to be known of an answer before its figures.
export function notices(answer: Answer): HTMLElement[] {
  const aoi = answer.aoi ?? {};
  const problems = (aoi.problems ?? []).map((p) => ({ code: typeof p === 'string' ? p : p.code ?? '', text: p === 'AOI_OUTSIDE' ? toldText(p) : typeof p === 'string' ? '' : toldText(p) }));
  if (aoi.mended && !problems.length) problems.push({ code: '', text: t('overlay.mended') });
  if (answer.rounded_to_m2) problems.push({ code: '', text: t('overlay.rounded', { n: answer.rounded_to_m2 }) });
  if (answer.scope) problems.push({ code: '', text: t('overlay.scope', { scope: answer.scope }) });
  return problems.map(({ code, text }) => h('p', { class: 'notice-line', 'data-testid': 'overlay-problem' }, text, code && h('code', null, code)));
}

// layerTable has the figures of each layer, its classes and its areas of record.
export function layerTable(catalog: Catalog, answer: Answer): HTMLElement {
  const title = titleIn(catalog);
  const total = answer.aoi?.area_m2 ?? 0;
  const bodies = (answer.layers ?? []).map((l) => {
    const layer = layerOf(catalog, l.layer);
    const share = [t('overlay.features', { n: count(l.features) }), t('overlay.share', { p: percent(l.area_m2, total) }), l.vintage].filter(Boolean).join(' · ');
    return h('tbody', { 'data-testid': `overlay-layer-${l.layer}` },
      h('tr', { class: 'main-row' },
        h('th', { scope: 'row' }, swatch(layer.entries[0]), title(l.layer)),
        cells({ mu: l.area_mu ?? muOf(l.area_m2), ha: l.area_ha ?? haOf(l.area_m2), m2: l.area_m2 }, `overlay-area-${l.layer}`)),
      h('tr', { class: 'facts-row' }, h('td', { colSpan: 4 }, share)),
      classBar(layer, title(l.layer), l),
      (l.groups ?? []).map((g) => groupRow(layer, g)),
      recordRows(l));
  });
  return h('table', { class: 'areas' }, columns(t('overlay.layer')), bodies);
}

// recordRows are the areas of record, and what they do not speak of.
function recordRows(l: LayerAnswer): Child[] {
  const row = (label: string, m2: number | null | undefined, testid: string, mu?: number | null) => m2 != null
    && h('tr', { class: 'sub-row' }, h('th', { scope: 'row' }, label), cells({ mu: mu ?? muOf(m2), ha: haOf(m2), m2 }, `${testid}-${l.layer}`));
  const gross = l.gross_area_m2 != null && l.gross_area_m2 - l.area_m2 > 0.005 ? l.gross_area_m2 : null;
  return [
    row(t('overlay.patch'), l.patch_m2, 'overlay-patch'),
    row(t('overlay.patch.none'), l.no_patch_area_m2, 'overlay-nopatch'),
    row(t('overlay.patch.computed'), l.patch_computed_m2, 'overlay-patchcomputed'),
    row(t('overlay.net'), l.net_m2, 'overlay-net', l.net_mu),
    row(t('overlay.net.none'), l.no_net_area_m2, 'overlay-nonet'),
    row(t('overlay.net.computed'), l.net_computed_m2, 'overlay-netcomputed'),
    row(t('overlay.gross'), gross, 'overlay-gross'),
  ];
}

// className is a class with its name, where the survey has one.
function className(code: string): string {
  const name = codeTitle('class', code, lang());
  return name ? `${code} ${name}` : code || '—';
}

const inks = ['#7f9c3b', '#c8a24a', '#5b8fb0', '#b0785b', '#8b78b0', '#6aa08b'];

// inkOf is the colour of a class: the legend's, or one of a row of colours.
const inkOf = (layer: Layer, code: string, i: number): string => layer.entries.find((e) => e.value === code)?.fill || inks[i % inks.length] || '';

// classBar shows the shares of a layer's classes; the rows below it are its legend and its
// table. Nothing where there is one class or none.
function classBar(layer: Layer, title: string, l: LayerAnswer): Child {
  const groups = (l.groups ?? []).filter((g) => g.area_m2 > 0);
  const total = groups.reduce((sum, g) => sum + g.area_m2, 0);
  if (groups.length < 2) return null;
  const parts = groups.map((g) => `${className(g.DLBM ?? '')} ${percent(g.area_m2, total)}`);
  return h('tr', { class: 'bar-row' }, h('td', { colSpan: 4 },
    h('div', { class: 'class-bar', role: 'img', 'aria-label': t('overlay.classes', { layer: title, parts: parts.join(lang() === 'zh' ? '，' : ', ') }), 'data-testid': `overlay-bar-${l.layer}` },
      groups.map((g, i) => h('span', { title: parts[i] ?? '', style: { width: `${100 * g.area_m2 / total}%`, 'background-color': inkOf(layer, g.DLBM ?? '', i) } })))));
}

function groupRow(layer: Layer, group: Group): HTMLElement {
  const code = group.DLBM ?? '';
  const entry = layer.entries.find((e) => e.value === code);
  return h('tr', { class: 'sub-row' },
    h('th', { scope: 'row' }, entry && swatch(entry), className(code)),
    cells({ mu: group.area_mu ?? muOf(group.area_m2), ha: haOf(group.area_m2), m2: group.area_m2 }, `overlay-group-${code}`));
}

// combinationTable has the ground in each combination of layers, and whether it adds up.
export function combinationTable(answer: Answer, title: (name: string) => string): HTMLElement {
  const list = answer.combinations ?? [];
  const total = list.reduce((sum, c) => sum + c.area_m2, 0);
  const off = total - (answer.aoi?.area_m2 ?? 0);
  // Each line is rounded to 0.01 m², so that is what the sum may be off by a line.
  const agrees = Math.abs(off) <= 0.01 * list.length;
  return h('table', { class: 'areas combinations', 'data-testid': 'overlay-combinations' },
    columns(t('overlay.inside')),
    h('tbody', null, list.map((c, i) => combinationRow(c, i, title))),
    h('tfoot', null,
      h('tr', null, h('th', { scope: 'row' }, t('overlay.total')), cells({ mu: muOf(total), ha: haOf(total), m2: total }, 'overlay-total')),
      h('tr', { class: agrees ? 'facts-row' : 'facts-row off' }, h('td', { colSpan: 4 }, agrees ? t('overlay.sum') : t('overlay.sum.off', { m2: area(off) })))));
}

function combinationRow(c: Combination, i: number, title: (name: string) => string): HTMLElement {
  const [inside, outside] = [c.inside ?? [], c.outside ?? []];
  return h('tr', { 'data-testid': `overlay-combination-${i}` },
    h('th', { scope: 'row' },
      inside.length ? inside.map(title).join(' ∩ ') : t('overlay.nothing'),
      inside.length > 0 && outside.length > 0 && h('small', null, t('overlay.outside', { names: joined(outside.map(title)) }))),
    cells({ mu: muOf(c.area_m2), ha: haOf(c.area_m2), m2: c.area_m2 }));
}

// failures lists the features that could not be measured.
export function failures(failed: Failure[], title: (name: string) => string): HTMLElement {
  const line = (f: Failure): string => (typeof f === 'string' ? f
    : [f.layer && title(f.layer), f.key ?? f.id, (lang() === 'zh' ? f.zh ?? f.reason_zh : f.en) ?? f.detail ?? f.reason, f.code].filter(Boolean).join(' · '));
  return h('details', { class: 'failed', 'data-testid': 'overlay-failed' },
    h('summary', null, t('overlay.failed', { n: failed.length })),
    h('ul', null, failed.map((f) => h('li', null, line(f)))));
}
