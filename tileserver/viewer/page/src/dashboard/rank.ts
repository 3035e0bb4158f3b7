// Areas by place, ranked: bars, and a table that can be put in another order. A row goes to
// its place on the map; its arrow looks inside of it.

import { bar } from '../charts/charts';
import { vintage } from '../core/api';
import { h, icon, scroller, type Child } from '../core/dom';
import { area, count, formulaText, inUnit, percent } from '../core/format';
import { t } from '../core/i18n';
import { json } from '../jobs/answers';
import { analysis, chip, chooser, differs, nameOf, nothing, said, sourceLine, unitText, whyNot, type Desk } from './desk';
import { files, summaryFiles } from './files';
import { below, inOrder, kindsOf, layers, levelOf, placesOf, summaryPlaces, tableOf, unconfirmed, yearsOf, type Kind, type Order, type Place, type Summary } from './model';
import { summary, summaryPath, type Told } from './source';

const mostBars = 20;
const page = 200;

// rankView is the view; without the analysis it takes GET /summary.
export function rankView(desk: Desk): Child {
  const { place, level } = desk.state;
  const refused = whyNot(desk.list(), 'summary');
  if (refused?.dataset.testid === 'dash-lacking') return refused;
  return refused ? bySummary(desk) : analysis(desk, { question: 'summary', by: level, ...(place && { place }) }, (told) => byAnalysis(desk, told));
}

function byAnalysis(desk: Desk, told: Told): Child {
  const { state } = desk;
  const table = tableOf(told.answer, 'dash_area');
  const years = yearsOf(table);
  const wanted = state.year || vintage();
  const year = years.includes(wanted) ? wanted : years[0] ?? '';
  const at = (kind: Kind) => placesOf(table, state.layer, kind, state.unit, year).filter((p) => p.code !== state.place);
  const kinds = kindsOf(state.layer, 'analysis').map((kind) => ({ kind, there: at(kind).some((p) => p.value !== null) }));
  const kind = chosen(state.kind, kinds);
  return [choices(desk, years, year, kinds, kind), differs(desk, state.layer, year), body(desk, at(kind), kind), sourceLine(told), files(desk, told, 'dash_area')];
}

function bySummary(desk: Desk): Child {
  const { state } = desk;
  const vintages = desk.app.catalog.layers.find((l) => l.name === state.layer)?.vintages ?? [];
  const wanted = state.year || vintage();
  const year = vintages.includes(wanted) ? wanted : vintages[0] ?? '';
  const ask = async (signal: AbortSignal) => {
    const told = await summary(state.level, state.place, state.layer, year, signal);
    const { places } = desk.app.may('features') ? await json<{ places: { code: string; name: string }[] }>(`places${state.place ? `?parent=${state.place}` : ''}`, { signal }) : { places: [] };
    return { told, names: new Map(places.map((p) => [p.code, p.name])) };
  };
  return desk.load(`summary ${state.level} ${state.place} ${state.layer} ${year}`, (_, signal) => ask(signal), ({ told, names }: { told: Summary; names: Map<string, string> }) => {
    const at = (kind: Kind) => summaryPlaces(told, state.layer, kind, state.unit, inUnit).map((p) => ({ ...p, name: names.get(p.code) ?? '' }));
    const kinds = kindsOf(state.layer, 'summary').map((kind) => ({ kind, there: at(kind).some((p) => p.value !== null) }));
    const kind = chosen(state.kind, kinds);
    return [choices(desk, vintages, year, kinds, kind), differs(desk, state.layer, year), body(desk, at(kind), kind), h('p', { class: 'note dash-source', 'data-testid': 'dash-source' }, t('dash.source.summary', { vintage: year, generation: told.generation, formula: formulaText(told.formula) })),
      summaryFiles(desk, summaryPath(state.level, state.place, state.layer, year, 'csv'), told, year)];
  });
}

// Offer is a kind of area, and whether any place has a record of it.
interface Offer { kind: Kind; there: boolean }

// chosen is the kind that is shown: the one asked for where there is any of it, else the
// first that there is; the choice says which.
const chosen = (wanted: Kind, kinds: Offer[]): Kind => (kinds.find((k) => k.there && k.kind === wanted) ?? kinds.find((k) => k.there) ?? kinds[0])?.kind ?? 'ground';

function choices(desk: Desk, years: string[], year: string, kinds: Offer[], kind: Kind): HTMLElement {
  const { state } = desk;
  return h('div', { class: 'dash-choices' },
    chooser('layer', 'dash.layer', state.layer, layers.map((value) => ({ value, text: t(`dash.layer.${value}`) })), (layer) => desk.set({ layer })),
    chooser('kind', 'dash.kind', kind, kinds.map((k) => ({ value: k.kind, text: `${t(`dash.kind.${k.kind}`)}${k.there ? '' : ` · ${t('chart.missing')}`}`, off: !k.there })), (next) => desk.set({ kind: next })),
    chooser('level', 'dash.level', state.level, below(state.place).map((value) => ({ value, text: t(`dash.level.${value}`) })), (level) => desk.set({ level })),
    chooser('year', 'dash.year', year, years.map((value) => ({ value, text: value })), (next) => desk.set({ year: next })));
}

function body(desk: Desk, places: Place[], kind: Kind): Child {
  const { state } = desk;
  if (!places.length) return nothing();
  const valued = places.filter((p) => p.value !== null);
  const missing = places.length - valued.length;
  if (!valued.length) return said('dash-none', t('dash.kind.none'), t('dash.missing', { n: missing }));
  const unit = unitText(state.unit);
  const label = `${t(`dash.layer.${state.layer}`)} · ${t(`dash.kind.${kind}`)}`;
  return [
    h('h3', null, label),
    missing > 0 && h('p', { class: 'notice-line', 'data-testid': 'dash-missing' }, t('dash.missing', { n: missing })),
    h('div', { class: 'dash-pair' },
      h('div', null, bar(valued.slice(0, mostBars).map((p) => ({ label: `${p.rank ?? ''} ${nameOf(p)}`, value: p.value, key: p.code, ...(p.name && { detail: p.code }) })), { unit, label, picked: state.picked, ...(desk.go && { onPick: desk.go }) }),
        valued.length > mostBars && h('p', { class: 'note' }, t('dash.first', { n: mostBars, all: places.length }))),
      tableOfPlaces(desk, places, kind === 'net' && places.some((p) => p.target !== null))),
  ];
}

// tableOfPlaces is the table, a page at a time.
function tableOfPlaces(desk: Desk, places: Place[], targets: boolean): HTMLElement {
  const { state } = desk;
  const rows = inOrder(places, state.order, state.down);
  const head = (order: Order, text: string, number: boolean) => h('th', {
    scope: 'col', class: number ? 'number' : '', 'aria-sort': state.order === order ? (state.down ? 'descending' : 'ascending') : 'none',
  }, h('button', { type: 'button', 'data-testid': `dash-sort-${order}`, onclick: () => desk.set({ order, down: state.order === order ? !state.down : order === 'features' || order === 'ofTarget' }) }, text, h('span', { class: 'dash-arrow', 'aria-hidden': 'true' }, state.order === order ? (state.down ? '↓' : '↑') : '')));
  const list = h('tbody', null, rows.slice(0, page).map((p) => row(desk, p, targets)));
  let shown = page;
  const more = rows.length > page && h('button', { type: 'button', class: 'dash-more', onclick: () => {
    list.append(...rows.slice(shown, shown + page).map((p) => row(desk, p, targets)));
    shown += page;
    if (shown >= rows.length && more) more.remove();
  } }, t('dash.more', { n: count(rows.length) }));
  return h('div', null, scroller(t('dash.rank'), h('table', { class: 'dash-table', 'data-testid': 'dash-table' },
    h('thead', null, h('tr', null, head('rank', t('dash.rank.no'), true), head('code', t('dash.place'), false), h('th', { scope: 'col', class: 'number' }, t('dash.area', { unit: unitText(state.unit) })),
      head('features', t('dash.features'), true), targets && head('ofTarget', t('dash.of.target'), true), h('th', null, h('span', { class: 'hidden' }, t('dash.into', { place: '' }))))),
    list)), more);
}

function row(desk: Desk, p: Place, targets: boolean): HTMLElement {
  const name = nameOf(p);
  const { go } = desk;
  const level = levelOf(p.code);
  const inside = below(p.code)[0];
  return h('tr', { 'data-code': p.code, class: desk.state.picked === p.code ? 'picked' : '' },
    h('td', { class: 'number' }, p.rank === null ? '—' : String(p.rank)),
    h('th', { scope: 'row' }, go ? h('button', { type: 'button', class: 'dash-link', 'data-testid': `dash-go-${p.code}`, title: t('dash.go', { place: name }), onclick: () => go(p.code) }, name) : name, p.name && h('code', null, p.code)),
    h('td', { class: 'number', 'data-testid': `dash-value-${p.code}` }, p.value === null ? t('chart.missing') : h('data', { value: String(p.value) }, area(p.value))),
    h('td', { class: 'number' }, p.features === null ? '—' : h('data', { value: String(p.features) }, count(p.features))),
    targets && h('td', { class: 'number' }, p.ofTarget === null ? '—' : [h('data', { value: String(p.ofTarget) }, percent(p.ofTarget, 1)), unconfirmed(p.source).is && chip()]),
    h('td', { class: 'dash-into' }, level && inside && h('button', { type: 'button', 'aria-label': t('dash.into', { place: name }), title: t('dash.into', { place: name }), 'data-testid': `dash-into-${p.code}`, onclick: () => desk.set({ place: p.code, level: inside, picked: '', shown: '' }) }, icon('m9 6 6 6-6 6'))));
}
