// The list of the shapes of a file: a report each, and the sum of what stands beside each
// other.

import { measured } from '../core/catalog';
import { save, stamp, h, type Child } from '../core/dom';
import { count, muOf } from '../core/format';
import { lang, t } from '../core/i18n';
import { printSheet } from '../print/print';
import type { Answer, Asked, Told } from './answer';
import type { Context } from './context';
import { csv } from './csv';
import { saveForm } from './exports';
import { printedOf } from './print';
import type { Sent } from './requests';
import { figure, notices, titleIn, toldText, vintageLine } from './tables';

// Item is one shape of a file, and its answer or why there is none.
export interface Item { name: string; asked: Asked; answer: Answer | null; problem: Told | null }

export interface Several { title: string; items: Item[]; sent: Sent }

// rowsAtOnce is how many rows are added at a time.
const rowsAtOnce = 200;

// list returns the content of the card; open shows one of the shapes, point marks it.
export function list(c: Context, { title: file, items, sent }: Several, open: (i: number) => void, point: (i: number | null) => void): HTMLElement {
  const { catalog } = c.app;
  const title = titleIn(catalog);
  const layers = measured(catalog);
  const answered = items.flatMap((i) => (i.answer ? [i.answer] : []));
  const named = () => items.map((i) => ({ name: i.name, answer: i.answer, problem: i.problem ? toldText(i.problem) : '' }));
  const button = (label: string, testid: string, run: () => unknown) => h('button', { type: 'button', 'data-testid': testid, onclick: () => void run() }, label);
  return printedOf(h('div', { class: 'report several', 'data-testid': 'several' },
    h('h3', null, t('several.title', { file, n: count(items.length) })),
    items.length > answered.length && h('p', { class: 'notice-line', 'data-testid': 'several-failed' }, t('several.failed', { n: items.length - answered.length })),
    vintageLine(catalog, answered),
    h('div', { class: 'scroll-x' }, table(items, layers, title, open, point)),
    answered.length > 0 && [
      h('p', { class: 'note' }, t('several.note')),
      h('p', { class: 'note' }, t('overlay.kinds')),
      h('p', { class: 'note generation' }, t('overlay.generation', { generation: answered[0]?.generation ?? '—' })),
    ],
    answered.length > 0 && h('div', { class: 'report-buttons' },
      button(t('download'), 'several-csv', () => save(csv(named(), title), 'text/csv;charset=utf-8', `gengtu-overlay-${stamp()}.csv`)),
      button(t('overlay.xlsx'), 'several-xlsx', () => saveForm(c, sent, { f: 'xlsx' }, 'xlsx')),
      button(t('overlay.sheet'), 'several-sheet', () => saveForm(c, sent, { f: 'html' }, 'html')),
      button(t('overlay.print'), 'several-print', printSheet))), 'print.title', answered);
}

function table(items: Item[], layers: string[], title: (name: string) => string, open: (i: number) => void, point: (i: number | null) => void): HTMLElement {
  const body = h('tbody');
  let shown = 0;
  const more = h('button', { type: 'button', onclick: () => add() });
  const add = () => {
    const to = Math.min(items.length, shown + rowsAtOnce);
    for (; shown < to; shown++) body.append(row(items[shown] as Item, shown, layers, open, point));
    more.hidden = shown >= items.length;
    more.textContent = t('pieces.more', { n: count(Math.min(rowsAtOnce, items.length - shown)), all: count(items.length) });
  };
  add();
  const sums = sumsOf(items, layers);
  return h('div', null,
    h('table', { class: 'areas several-table' },
      h('caption', { class: 'unit' }, t('overlay.unit.is', { unit: t('overlay.mu') })),
      h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('several.shape')), [t('several.area'), ...layers.map(title)].map((text) => h('th', { scope: 'col', class: 'number' }, text)))),
      body,
      items.some((i) => i.answer) && h('tfoot', null,
        h('tr', null, h('th', { scope: 'row' }, t('several.sum')), sums.map(({ mu }) => h('td', { class: 'number' }, figure(mu)))),
        h('tr', { class: 'sum-m2' }, h('th', { scope: 'row' }, t('overlay.m2')), sums.map(({ key, m2 }) => h('td', { class: 'number' }, figure(m2, `several-sum-${key}`)))))),
    h('div', { class: 'report-buttons', 'data-screen': '' }, more));
}

function row(item: Item, i: number, layers: string[], open: (i: number) => void, point: (i: number | null) => void): HTMLElement {
  const name = h('th', { scope: 'row' }, item.answer ? h('button', { type: 'button', class: 'link', 'data-testid': `several-open-${i}`, onfocus: () => point(i), onclick: () => open(i) }, item.name) : item.name);
  const mark = { onmouseenter: () => point(i), onmouseleave: () => point(null) };
  if (!item.answer) {
    return h('tr', { ...mark, 'data-testid': `several-problem-${i}` }, name, h('td', { colSpan: layers.length + 1, class: 'off' }, item.problem ? toldText(item.problem) : '—'));
  }
  const { answer } = item;
  const doubtful: Child = notices(answer).length > 0 && h('small', { class: 'off' }, (answer.aoi?.problems ?? []).map(toldText).filter(Boolean).join(lang() === 'zh' ? '；' : '; '));
  name.append(...(doubtful ? [doubtful] : []));
  const value = (layer: string) => answer.layers?.find((l) => l.layer === layer);
  return h('tr', mark, name,
    h('td', { class: 'number' }, figure(answer.aoi?.area_mu ?? muOf(answer.aoi?.area_m2), `several-${i}-aoi`)),
    layers.map((layer) => h('td', { class: 'number' }, figure(value(layer)?.area_mu ?? muOf(value(layer)?.area_m2), `several-${i}-${layer}`))));
}

// sumsOf adds up what the answers give, m² as they give it.
function sumsOf(items: Item[], layers: string[]): { key: string; m2: number; mu: number | null }[] {
  const add = (of: (a: Answer) => number | undefined): number => items.reduce((sum, i) => sum + ((i.answer && of(i.answer)) ?? 0), 0);
  const sums = [{ key: 'aoi', m2: add((a) => a.aoi?.area_m2) }, ...layers.map((layer) => ({ key: layer, m2: add((a) => a.layers?.find((l) => l.layer === layer)?.area_m2) }))];
  return sums.map((s) => ({ ...s, mu: muOf(s.m2) }));
}
