// Progress to the goal year: what of permanent basic farmland is high-standard, by year, and
// what remains.

import { bar, line, progress } from '../charts/charts';
import { vintage } from '../core/api';
import { h, scroller, type Child } from '../core/dom';
import { area, inUnit, percent } from '../core/format';
import { lang, pick, t } from '../core/i18n';
import { analysis, chip, chooser, differs, nameOf, nothing, sourceLine, unitText, type Desk } from './desk';
import { files } from './files';
import { below, builtOf, codesIn, goalYear, hundredths, levelOf, tableOf, unconfirmed, type Built } from './model';
import type { Told } from './source';

// goalView is the view: of the place that is looked at, and of those inside of it.
export function goalView(desk: Desk): Child {
  const { place, level } = desk.state;
  const year = vintage();
  const vintages = desk.app.catalog.layers.find((l) => l.name === 'pbf')?.vintages ?? [];
  const of = { question: 'pbf-not-hsf', ...(place && { place }), ...(vintages.includes(year) && { vintage: year }) };
  const inside = below(place);
  const by = inside.includes(level) ? level : inside[0];
  const open = h('details', { class: 'dash-places', 'data-testid': 'dash-progress-places', open: desk.state.order === 'ofTarget' });
  const fill = () => { if (open.open && open.children.length < 2 && by) open.append(analysis(desk, { ...of, by }, (told) => placesOf(desk, told))); };
  open.append(h('summary', null, t('dash.progress.places', { level: by ? t(`dash.level.${by}`) : '' })));
  open.addEventListener('toggle', fill);
  return [analysis(desk, { ...of, by: levelOf(place) ?? 'prefecture' }, (told) => shown(desk, told)), by && desk.list()?.questions.some((q) => q.name === 'pbf-not-hsf' && q.answerable) && open];
}

function shown(desk: Desk, told: Told): Child {
  const table = tableOf(told.answer, 'pbf_hsf_progress');
  const places = codesIn(table);
  const one = places.find((p) => p.code === desk.state.shown) ?? places[0];
  const years = one ? builtOf(table, one.code) : [];
  const last = years.at(-1);
  if (!one || !last) return nothing();
  const { unit } = desk.state;
  const goal = goalYear(table);
  const v = (m2: number) => inUnit(m2, unit) ?? 0;
  const done = (hundredths(last.built) + hundredths(last.undated)) / 100;
  return [
    places.length > 1 && h('div', { class: 'dash-choices' }, chooser('shown', 'dash.place', one.code, places.map((p) => ({ value: p.code, text: p.name ? `${p.name} ${p.code}` : p.code })), (code) => desk.set({ shown: code }))),
    h('h3', null, nameOf(one)),
    differs(desk, 'pbf', told.answer.layers.find((l) => l.layer === 'pbf' && !l.missing)?.vintage ?? ''),
    h('p', { class: 'note' }, told.answer.sources.map(pick).join(' · ')),
    h('div', { 'data-testid': 'dash-progress' }, progress(v(done), v(last.due), { unit: unitText(unit), label: t('dash.built.now', { year: last.year }), year: String(goal ?? '') })),
    figures(desk, last),
    paceWords(desk, told, last, goal),
    last.undated > 0 && h('p', { class: 'note' }, t('dash.undated', { n: area(v(last.undated)), unit: unitText(unit) })),
    line([
      { label: t('dash.built'), colour: '#1f6b4a', points: years.map((y) => ({ x: String(y.year), y: v(y.built) })) },
      ...(goal !== null && goal > last.year ? [{ label: t('dash.need.path'), colour: '#8a3b78', dashed: true, points: [{ x: String(last.year), y: v(done) }, { x: String(goal), y: v(last.due) }] }] : []),
    ], { unit: unitText(unit), zero: true, label: t('dash.built'), target: { label: `${t('dash.goal')} ${area(v(last.due))} ${unitText(unit)}`, value: v(last.due) } }),
    yearTable(desk, years), notes(told), sourceLine(told), files(desk, told, 'pbf_hsf_progress'),
  ];
}

const figure = (id: string, label: string, m2: number, value: number, unit: string): HTMLElement => h('div', null, h('dt', null, label), h('dd', null, h('data', { value: String(m2), 'data-testid': `dash-progress-${id}` }, area(value)), ' ', h('small', null, unit)));

function figures(desk: Desk, last: Built): HTMLElement {
  const { unit } = desk.state;
  const text = unitText(unit);
  return h('dl', { class: 'dash-figures' }, figure('built', t('dash.built'), last.built, inUnit(last.built, unit) ?? 0, text), figure('undated', t('dash.undated.col'), last.undated, inUnit(last.undated, unit) ?? 0, text), figure('gap', t('dash.gap'), last.gap, inUnit(last.gap, unit) ?? 0, text), figure('due', t('dash.goal'), last.due, inUnit(last.due, unit) ?? 0, text));
}

// paceWords hold the pace of the last years against what is needed; a rule that no officer
// answers for is marked.
function paceWords(desk: Desk, told: Told, last: Built, goal: number | null): Child {
  const { unit } = desk.state;
  const open = told.answer.notes.some((n) => unconfirmed(pick(n)).is && /趋势|trend/.test(pick(n)));
  const n = (m2: number | null) => area(inUnit(m2, unit));
  return h('p', { class: 'dash-pace' }, last.need !== null && goal !== null && h('strong', null, t('dash.need', { goal, n: n(last.need), unit: unitText(unit) })),
    last.trend !== null && [last.need !== null && (lang() === 'zh' ? '；' : '; '), t('dash.pace', { n: n(last.trend), unit: unitText(unit) }), last.onTrack !== null && ` — ${t(last.onTrack ? 'dash.pace.enough' : 'dash.pace.short')}`, open && chip()]);
}

function yearTable(desk: Desk, years: Built[]): HTMLElement {
  const { unit } = desk.state;
  const cell = (m2: number | null) => h('td', { class: 'number' }, m2 === null ? '—' : h('data', { value: String(m2) }, area(inUnit(m2, unit))));
  return scroller(t('dash.progress'), h('table', { class: 'dash-table', 'data-testid': 'dash-progress-years' },
    h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('dash.year')), [t('dash.built'), t('dash.undated.col'), t('dash.gap'), t('dash.share')].map((text) => h('th', { scope: 'col', class: 'number' }, text)))),
    h('tbody', null, [...years].reverse().map((y) => h('tr', null, h('th', { scope: 'row' }, String(y.year)), cell(y.built), cell(y.undated), cell(y.gap), h('td', { class: 'number' }, y.share === null ? '—' : h('data', { value: String(y.share) }, percent(y.share, 1))))))));
}

// notes are what the answer leaves open; what is not confirmed is marked.
const notes = ({ answer }: Told): Child => answer.notes.length > 0 && h('details', { class: 'dash-notes' }, h('summary', null, t('dash.notes')), h('ul', null, answer.notes.map((n) => h('li', null, pick(n), unconfirmed(pick(n)).is && chip()))));

// placesOf ranks the places inside by the share that is built.
function placesOf(desk: Desk, told: Told): Child {
  const table = tableOf(told.answer, 'pbf_hsf_progress');
  const rows = codesIn(table).flatMap((p) => { const last = builtOf(table, p.code).at(-1); return last ? [{ ...p, last }] : []; })
    .sort((a, b) => (b.last.share ?? -1) - (a.last.share ?? -1) || (a.code < b.code ? -1 : 1));
  if (!rows.length) return nothing();
  const unit = unitText(desk.state.unit);
  return bar(rows.map(({ code, name, last }) => ({
    label: name || code, key: code, value: last.share === null ? null : last.share * 100,
    detail: `${t('dash.gap')} ${area(inUnit(last.gap, desk.state.unit))} ${unit}${last.onTrack === null ? '' : ` · ${t(last.onTrack ? 'dash.pace.enough' : 'dash.pace.short')}`}`,
  })), { unit: '%', max: 100, label: t('dash.share'), picked: desk.state.picked, ...(desk.go && { onPick: desk.go }) });
}
