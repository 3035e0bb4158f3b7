// What land became from one year to another: a Sankey diagram, its table, and the patches
// of a flow.

import { sankey } from '../charts/charts';
import { vintage } from '../core/api';
import { h, scroller, type Child } from '../core/dom';
import { codeTitle } from '../core/fields';
import { area, count, inUnit } from '../core/format';
import { lang, t } from '../core/i18n';
import { analysis, chooser, differs, nothing, said, segments, sourceLine, unitText, whyNot, type Desk } from './desk';
import { files } from './files';
import { tableOf, transitionsOf, type Transition } from './model';
import { patches } from './patches';
import type { Told } from './source';

const most = 24;

// flowView is the view: between the two last years, or two that are chosen.
export function flowView(desk: Desk): Child {
  const { state } = desk;
  const refused = whyNot(desk.list(), 'flows');
  if (refused) return refused;
  const survey = desk.app.catalog.layers.find((l) => l.name === 'dltb') ?? desk.app.catalog.layers.find((l) => l.name === 'cropland');
  const years = survey?.vintages ?? [];
  if (years.length < 2) return said('dash-years', t('dash.two.years', { year: years[0] ?? '—' }));
  const wanted = state.to || vintage();
  const to = years.includes(wanted) && years.indexOf(wanted) < years.length - 1 ? wanted : years[0] ?? '';
  const from = years.includes(state.from) && state.from < to ? state.from : years[years.indexOf(to) + 1] ?? '';
  const option = (value: string) => ({ value, text: value });
  return [
    h('div', { class: 'dash-choices' },
      chooser('from', 'dash.from', from, years.filter((y) => y < to).map(option), (next) => desk.set({ from: next })),
      chooser('to', 'dash.to', to, years.slice(0, -1).map(option), (next) => desk.set({ to: next })),
      chooser('area', 'dash.kind', state.area, (['area', 'booked'] as const).map((value) => ({ value, text: t(`dash.flow.${value}`) })), (next) => desk.set({ area: next })),
      segments('classes', 'dash.classes', String(state.classes) as '2' | '4', (['2', '4'] as const).map((value) => ({ value, text: t(`dash.classes.${value}`) })), (next) => desk.set({ classes: next === '2' ? 2 : 4 })),
      h('label', { class: 'dash-check' }, h('input', { type: 'checkbox', checked: state.unchanged, 'data-testid': 'dash-unchanged', onchange: (e: Event) => desk.set({ unchanged: (e.target as HTMLInputElement).checked }) }), t('dash.unchanged'))),
    differs(desk, survey?.name ?? 'dltb', to, from),
    analysis(desk, { question: 'flows', by: 'county', from, vintage: to, ...(state.place && { place: state.place }) }, (told) => shown(desk, told, survey?.name ?? 'dltb', from, to)),
  ];
}

// className is what a class is called, with its code.
function className(code: string, name: string): string {
  const known = codeTitle('class', code, lang()) || name;
  return known && known !== code ? `${code} ${known}` : code;
}

function shown(desk: Desk, told: Told, layer: string, from: string, to: string): Child {
  const { state } = desk;
  const all = transitionsOf(tableOf(told.answer, 'flow'), state.area, state.classes, state.unchanged);
  if (!all.length) return [nothing(t('dash.flow.none')), sourceLine(told)];
  const unit = unitText(state.unit);
  const list = h('div', { class: 'dash-patches', 'data-testid': 'dash-patches', 'aria-live': 'polite' }, h('p', { class: 'note' }, t('dash.flow.pick')));
  const pickOne = (one: Transition | undefined) => {
    if (!one) return;
    list.replaceChildren(patches(desk, { layer, from, to }, one, state.classes));
    list.scrollIntoView({ block: 'nearest' });
  };
  const ends = (one: Transition): [string, string] => [className(one.from, state.classes === 4 ? one.fromName : ''), className(one.to, state.classes === 4 ? one.toName : '')];
  const drawn = all.filter((o) => o.m2 > 0).slice(0, most);
  const flows = drawn.map((o) => { const [a, b] = ends(o); return { from: a, to: b, value: inUnit(o.m2, state.unit) ?? 0 }; });
  return [
    sankey(flows, { unit, label: `${t('dash.flow')} ${from} → ${to}`, onPick: (flow) => pickOne(drawn[flows.indexOf(flow)]) }),
    all.length > drawn.length && h('p', { class: 'note' }, t('dash.flow.first', { n: drawn.length, all: all.length })),
    list, tableOfFlows(desk, all, ends, pickOne), sourceLine(told), files(desk, told, 'flow'),
  ];
}

function tableOfFlows(desk: Desk, all: Transition[], ends: (one: Transition) => [string, string], pickOne: (one: Transition) => void): HTMLElement {
  const { unit } = desk.state;
  return scroller(t('dash.flow'), h('table', { class: 'dash-table', 'data-testid': 'dash-flow-table' },
    h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('chart.from')), h('th', { scope: 'col' }, t('chart.to')), h('th', { scope: 'col', class: 'number' }, t('dash.area', { unit: unitText(unit) })), h('th', { scope: 'col', class: 'number' }, t('dash.links')))),
    h('tbody', null, all.map((o) => {
      const [a, b] = ends(o);
      return h('tr', { 'data-flow': `${o.from} ${o.to}` }, h('th', { scope: 'row' }, h('button', { type: 'button', class: 'dash-link', 'data-testid': `dash-flow-${o.from}-${o.to}`, onclick: () => pickOne(o) }, a)), h('td', null, b),
        h('td', { class: 'number' }, h('data', { value: String(o.m2) }, area(inUnit(o.m2, unit)))), h('td', { class: 'number' }, h('data', { value: String(o.links) }, count(o.links))));
    }))));
}
