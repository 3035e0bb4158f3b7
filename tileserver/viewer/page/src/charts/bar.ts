// Horizontal bars in a list: a label, a bar, and its value as text.

import { h, svg } from '../core/dom';
import { area } from '../core/format';
import { t } from '../core/i18n';
import { fix, largest, shareOf } from './scale';

export interface BarRow {
  label: string;
  value: number | null; // in the options' unit, not below zero; null where there is no record
  detail?: string; // under the label
  key?: string; // what onPick gets
}

export interface BarOptions {
  unit: string;
  onPick?: (key: string) => void; // rows with a key become buttons
  max?: number; // a full bar; the largest value unless given
  format?: (value: number) => string; // two decimals unless given
  picked?: string; // the key of the row that is marked
  label?: string; // of the list, for those who do not see it
}

// bar returns the list, in the order of rows. Each row is reached by Tab where it can be
// picked, and carries its value as given (<data value>). A value of null has no bar and
// says so.
export function bar(rows: BarRow[], options: BarOptions): HTMLElement {
  if (!rows.length) return h('p', { class: 'note' }, t('chart.none'));
  const max = options.max ?? largest(rows.map((r) => r.value));
  return h('ol', { class: 'chart chart-bar', 'aria-label': options.label ?? null, 'data-testid': 'chart-bar' }, rows.map((row) => h('li', null, rowOf(row, max, options))));
}

function rowOf(row: BarRow, max: number, { unit, onPick, format = area, picked }: BarOptions): HTMLElement {
  const key = row.key;
  const inner = [
    h('span', { class: 'bar-label' }, row.label, row.detail && h('small', null, row.detail)),
    svg('svg', { class: 'bar-track', height: 10, 'aria-hidden': 'true', focusable: 'false' },
      svg('rect', { width: '100%', height: '100%', class: 'bar-room' }), svg('rect', { width: `${fix(100 * shareOf(row.value, max))}%`, height: '100%', class: 'bar-fill' })),
    h('span', { class: 'bar-value number' }, row.value === null ? t('chart.missing') : [h('data', { value: String(row.value) }, format(row.value)), ' ', h('small', null, unit)]),
  ];
  if (!onPick || key === undefined) return h('div', { class: 'bar-row' }, inner);
  return h('button', { type: 'button', class: 'bar-row', 'data-key': key, 'aria-pressed': picked === undefined ? null : String(picked === key), onclick: () => onPick(key) }, inner);
}
