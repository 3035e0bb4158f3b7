// From year to year, against targets: a chart for each layer, and the changes as a table.

import { line } from '../charts/charts';
import { h, type Child } from '../core/dom';
import { area, percent } from '../core/format';
import { t } from '../core/i18n';
import { analysis, chip, chooser, nameOf, nothing, sourceLine, unitText, type Desk } from './desk';
import { files } from './files';
import { codesIn, layers, levelOf, placesOf, tableOf, trendOf, unconfirmed, yearsOf, type LayerName, type Place, type Year } from './model';
import type { Told } from './source';

const colours: Record<LayerName, string> = { cropland: '#1f6b4a', pbf: '#c0620c', hsf: '#1c6ea4' };

// trendView is the view: of the place that is looked at, or of one of the widest places.
export function trendView(desk: Desk): Child {
  const { place } = desk.state;
  return analysis(desk, { question: 'summary', by: levelOf(place) ?? 'prefecture', ...(place && { place }) }, (told) => shown(desk, told));
}

function shown(desk: Desk, told: Told): Child {
  const table = tableOf(told.answer, 'dash_trend');
  const places = codesIn(table);
  const one = places.find((p) => p.code === desk.state.shown) ?? places[0];
  if (!one) return nothing();
  return [
    places.length > 1 && h('div', { class: 'dash-choices' }, chooser('shown', 'dash.place', one.code, places.map((p) => ({ value: p.code, text: p.name ? `${p.name} ${p.code}` : p.code })), (code) => desk.set({ shown: code }))),
    h('h3', null, nameOf(one)),
    h('div', { class: 'dash-panels' }, layers.map((layer) => ofLayer(desk, told, one.code, layer))),
    sourceLine(told), files(desk, told, 'dash_trend'),
  ];
}

function ofLayer(desk: Desk, told: Told, place: string, layer: LayerName): Child {
  const { unit } = desk.state;
  const years = trendOf(tableOf(told.answer, 'dash_trend'), place, layer, unit);
  const last = years.findLast((y) => y.value !== null);
  if (!last) return null;
  const areas = tableOf(told.answer, 'dash_area');
  const at = layer === 'hsf' ? undefined : placesOf(areas, layer, 'net', unit, yearsOf(areas).includes(last.year) ? last.year : '').find((p) => p.code === place);
  const goal = at?.target ?? null;
  const title = t(`dash.layer.${layer}`);
  return h('section', { class: 'dash-panel', 'data-testid': `dash-trend-${layer}` }, h('h4', null, title, h('small', null, t(`dash.kind.${layer === 'hsf' ? 'ground' : 'net'}`))),
    h('p', { class: 'dash-big' }, h('data', { value: String(last.value) }, area(last.value)), ' ', h('small', null, unitText(unit), ` · ${last.year}`)),
    changeWords(last, years, unitText(unit)),
    line([{ label: title, colour: colours[layer], points: years.map((y) => ({ x: y.year, y: y.value })) }], { unit: unitText(unit), label: title, ...(goal !== null && { target: { label: t('chart.target.of', { value: area(goal), unit: unitText(unit) }), value: goal } }) }),
    h('p', { class: 'note' }, t('dash.axis')),
    layer === 'hsf' ? h('p', { class: 'dash-target' }, t('dash.target.hsf')) : targetWords(at, goal, unitText(unit)),
    changes(years, unitText(unit)));
}

// changeWords say how much more or less there is than in the year before.
function changeWords(last: Year, years: Year[], unit: string): Child {
  const before = years[years.indexOf(last) - 1];
  if (years.length < 2) return h('p', { class: 'note' }, t('dash.one.year', { year: last.year }));
  if (!before || last.delta === null) return null;
  const n = area(Math.abs(last.delta));
  const key = last.delta > 0 ? 'dash.rise' : last.delta < 0 ? 'dash.fall' : 'dash.same';
  return h('p', { class: 'dash-change' }, h('span', { 'aria-hidden': 'true' }, last.delta > 0 ? '▲ ' : last.delta < 0 ? '▼ ' : '＝ '), t(key, { year: before.year, n, unit }));
}

// targetWords hold the last year against the target, in words.
function targetWords(at: Place | undefined, goal: number | null, unit: string): HTMLElement {
  if (!at || goal === null || at.value === null) return h('p', { class: 'dash-target', 'data-testid': 'dash-target-none' }, t('dash.target.none'));
  const n = area(Math.abs(at.value - goal));
  const key = at.value < goal ? 'chart.below' : at.value > goal ? 'chart.above' : 'chart.equal';
  const source = unconfirmed(at.source);
  return h('div', { class: `dash-target ${at.value < goal ? 'low' : ''}`, 'data-testid': 'dash-target' },
    h('p', null, h('strong', null, t(key, { n, unit })), at.ofTarget !== null && [' · ', h('data', { value: String(at.ofTarget) }, t('dash.of', { p: percent(at.ofTarget, 1) }))], source.is && chip()),
    h('p', { class: 'note' }, t('dash.target.source', { source: source.text })));
}

function changes(years: Year[], unit: string): HTMLElement {
  return h('table', { class: 'dash-table' }, h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('dash.year')), h('th', { scope: 'col', class: 'number' }, t('dash.area', { unit })), h('th', { scope: 'col', class: 'number' }, t('dash.delta')))),
    h('tbody', null, years.map((y) => h('tr', null, h('th', { scope: 'row' }, y.year, y.break && h('small', null, t('dash.break', { text: unconfirmed(y.break).text }), unconfirmed(y.break).is && chip())),
      h('td', { class: 'number' }, y.value === null ? t('chart.missing') : h('data', { value: String(y.value) }, area(y.value))),
      h('td', { class: 'number' }, y.delta === null ? '—' : h('data', { value: String(y.delta) }, `${y.delta > 0 ? '+' : ''}${area(y.delta)}`))))));
}
