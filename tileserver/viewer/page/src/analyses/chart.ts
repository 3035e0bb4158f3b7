// The figures of a table as bars, the largest first; and its flows, where it has some.

import { bar, sankey, type BarRow } from '../charts/charts';
import { h } from '../core/dom';
import { count, type Unit } from '../core/format';
import { pick, t } from '../core/i18n';
import type { Column, Row, Table } from '../jobs/answers';
import { fieldsOf, measures, nameOf, shown, sorted, text } from '../jobs/rows';

// mostBars and mostFlows are how many are drawn.
const [mostBars, mostFlows] = [25, 40];

interface State { unit: Unit; measure: string; places: number[]; marked: number }

// Acts are what a chart asks of its table: to show a row on the map, where it can, and to
// draw anew.
interface Acts { go: (row: number) => void; can: (row: Row) => boolean; again: () => void }

// chartOf draws the rows that are chosen.
export function chartOf(table: Table, state: State, acts: Acts): HTMLElement {
  const column = measures(table).find((c) => c.name === state.measure);
  if (!column) return h('p', { class: 'note' }, t('analyses.rows.empty'));
  const choice: HTMLSelectElement = h('select', { 'data-testid': 'analyses-measure', onchange: () => { state.measure = choice.value; acts.again(); } },
    measures(table).map((c) => h('option', { value: c.name, selected: c === column }, pick(c.title))));
  return h('div', { class: 'analyses-chart', 'data-testid': 'analyses-chart' },
    h('label', { class: 'analyses-choose' }, t('analyses.chart.of'), choice),
    isFlow(table) ? flows(table, column, state) : '', bars(table, column, state, acts));
}

// fieldOf is the field that a chart shows of a column.
const fieldOf = (table: Table, column: Column, unit: Unit) => fieldsOf(table, unit).find((f) => f.column === column);

function bars(table: Table, column: Column, state: State, { go, can }: Acts): HTMLElement {
  const field = fieldOf(table, column, state.unit);
  const name = field?.name ?? '';
  const found = sorted(table.rows, state.places, { name, down: true });
  const value = (i: number) => table.rows[i]?.[name];
  const drawn = found.filter((i) => !(Number(value(i)) < 0));
  const most = drawn.slice(0, mostBars);
  const rows = most.map((i): BarRow => {
    const [label = '', ...detail] = nameOf(table, table.rows[i] ?? {}).split(' · ');
    const v = value(i);
    return { label, detail: detail.join(' · '), value: typeof v === 'number' ? v : null, ...(can(table.rows[i] ?? {}) ? { key: String(i) } : {}) };
  });
  return h('div', null,
    h('p', { class: 'note' }, [
      drawn.length > most.length && t('analyses.chart.most', { n: most.length, all: count(drawn.length) }), rows.some((r) => r.key) && t('analyses.chart.hint'),
      drawn.length < found.length && t('analyses.chart.negative', { n: count(found.length - drawn.length) }),
    ].filter(Boolean).join(' ')),
    bar(rows, {
      unit: column.kind === 'ratio' ? '' : field?.unit ? t(`analyses.unit.${field.unit}` as 'analyses.unit.mu') : '', label: pick(column.title), picked: String(state.marked),
      onPick: (key) => go(Number(key)), format: (v) => (field ? text(field, v) : String(v)),
    }));
}

// isFlow tells whether rows say what became of what.
const isFlow = (table: Table): boolean => ['from', 'to'].every((name) => table.columns.some((c) => c.name === name && c.kind === 'code')) && !table.columns.some((c) => c.name.endsWith('bsm'));

// flows draws the largest of the rows that changed class.
function flows(table: Table, column: Column, { unit, places }: State): HTMLElement {
  const field = fieldOf(table, column, unit);
  if (column.kind !== 'area' || !field) return h('span');
  const named = (row: Row, side: 'from' | 'to') => { const c = table.columns.find(({ name }) => name === `${side}_name` && row[name]) ?? table.columns.find(({ name }) => name === side); return (c && shown(table, c, row)) || '—'; };
  const changed = places.filter((i) => { const row = table.rows[i]; return row !== undefined && row.from !== row.to; });
  const largest = sorted(table.rows, changed, { name: field.name, down: true }).slice(0, mostFlows).map((i) => table.rows[i] ?? {});
  return sankey(largest.map((row) => ({ from: named(row, 'from'), to: named(row, 'to'), value: Number(row[field.name] ?? 0) })), { unit: t(`analyses.unit.${unit}`), label: pick(table.title) });
}
