// A table of an answer: chosen, found, sorted and paged, so that a hundred thousand rows
// cost the page no more than two hundred.

import { h, icon } from '../core/dom';
import { count, type Unit } from '../core/format';
import { pick, t } from '../core/i18n';
import type { Row, Table } from '../jobs/answers';
import { facets, fieldsOf, filtered, meant, measures, nameOf, numeric, shown, sorted, text, told, type Field, type Order } from '../jobs/rows';
import { chartOf } from './chart';
import type { Going } from './going';

// pageRows is how many rows stand in the page at once.
const pageRows = 200;

export interface TableView {
  render(): HTMLElement;
  // mark makes a row (from 0) the one that is marked, on the page that has it.
  mark(row: number): void;
  // reveal scrolls the marked row into sight.
  reveal(): void;
}

interface State { unit: Unit; order: Order | null; search: string; chosen: Map<string, string>; page: number; marked: number; chart: boolean; measure: string; places: number[] }

// pin is the drawing of what takes the map somewhere.
const pin = 'M12 21s-6-5.6-6-10.5a6 6 0 1 1 12 0C18 15.4 12 21 12 21zM12 8.2a2.3 2.3 0 1 0 0 4.6 2.3 2.3 0 0 0 0-4.6';

// units are in the order in which they are offered.
const units: Unit[] = ['mu', 'ha', 'm2'];

// createTable holds the state of one table.
export function createTable(table: Table, going: Going): TableView {
  const state: State = { unit: 'mu', order: null, search: '', chosen: new Map(), page: 0, marked: -1, chart: false, measure: (measures(table).find((c) => c.kind === 'area') ?? measures(table)[0])?.name ?? '', places: table.rows.map((_, i) => i) };
  const body = h('div', { class: 'analyses-rows' });
  const arrange = () => { state.places = sorted(table.rows, filtered(table, state.search, state.chosen), state.order); };
  const draw = () => { body.replaceChildren(state.chart ? chartOf(table, state, { go, can: (row) => going.can(table, row), again: draw }) : grid(table, state, actions)); };
  const again = () => { state.page = 0; arrange(); draw(); };
  const go = (row: number) => {
    state.marked = row;
    for (const tr of body.querySelectorAll<HTMLElement>('tr[data-row]')) tr.classList.toggle('marked', tr.dataset.row === String(row));
    void going.go(table, row);
  };
  const actions: Actions = {
    go, can: (row) => going.can(table, row),
    page: (page) => { state.page = page; draw(); body.scrollIntoView({ block: 'nearest' }); },
    sort: (name) => { state.order = next(state.order, name); again(); body.querySelector<HTMLElement>(`[data-sort="${CSS.escape(name)}"]`)?.focus(); },
  };
  return {
    render: () => { draw(); return h('div', null, controls(table, state, again, draw), body); },
    mark(row) {
      if (!state.places.includes(row)) { state.search = ''; state.chosen.clear(); arrange(); }
      [state.marked, state.chart, state.page] = [row, false, Math.floor(Math.max(0, state.places.indexOf(row)) / pageRows)];
    },
    reveal: () => body.querySelector('tr.marked')?.scrollIntoView({ block: 'center' }),
  };
}

interface Actions { go(row: number): void; can(row: Row): boolean; page(page: number): void; sort(name: string): void }

// next is the order after a click at a column's head: the greatest first, the least first, as it was.
function next(order: Order | null, name: string): Order | null {
  if (order?.name !== name) return { name, down: true };
  return order.down ? { name, down: false } : null;
}

function controls(table: Table, state: State, again: () => void, draw: () => void): HTMLElement {
  const search = h('input', { type: 'search', value: state.search, placeholder: t('analyses.search'), 'aria-label': t('analyses.search'), 'data-testid': 'analyses-search', oninput: () => { state.search = search.value; again(); } });
  const areas = table.columns.some((c) => c.kind === 'area');
  const unit: HTMLSelectElement = h('select', { 'aria-label': t('analyses.units'), 'data-testid': 'analyses-unit', onchange: () => { state.unit = unit.value as Unit; state.order = null; again(); } },
    units.map((u) => h('option', { value: u, selected: u === state.unit }, t(`analyses.unit.${u}`))));
  const choose = ({ column, values }: ReturnType<typeof facets>[number]) => {
    const box: HTMLSelectElement = h('select', { 'data-testid': `analyses-choose-${column.name}`, onchange: () => {
      if (box.selectedIndex > 0) state.chosen.set(column.name, values[box.selectedIndex - 1] ?? '');
      else state.chosen.delete(column.name);
      again();
    } }, h('option', null, t('analyses.all')), values.map((v) => h('option', { selected: state.chosen.get(column.name) === v }, told(column, v) || '—')));
    return h('label', { class: 'analyses-choose' }, pick(column.title), box);
  };
  const chart = measures(table).length > 0 && table.rows.length > 1;
  const face = (on: boolean) => h('button', { type: 'button', 'aria-pressed': String(state.chart === on), 'data-testid': on ? 'analyses-show-chart' : 'analyses-show-table', onclick: (e: Event) => {
    state.chart = on;
    for (const b of (e.currentTarget as HTMLElement).parentElement?.children ?? []) b.setAttribute('aria-pressed', String(b === e.currentTarget));
    draw();
  } }, t(on ? 'analyses.chart' : 'analyses.table.show'));
  return h('div', { class: 'analyses-controls' }, chart && h('span', { class: 'analyses-faces', role: 'group' }, face(false), face(true)), search, areas && unit, facets(table).map(choose));
}

// grid is the page of rows that is shown.
function grid(table: Table, state: State, actions: Actions): HTMLElement {
  if (!state.places.length) return h('p', { class: 'note', 'data-testid': 'analyses-no-rows' }, t(table.rows.length ? 'analyses.rows.none' : 'analyses.rows.empty'));
  const fields = fieldsOf(table, state.unit);
  const from = state.page * pageRows;
  const places = state.places.slice(from, from + pageRows);
  const goes = places.some((i) => { const row = table.rows[i]; return row !== undefined && actions.can(row); });
  return h('div', null,
    h('div', { class: 'analyses-scroll', tabIndex: 0, role: 'region', 'aria-label': pick(table.title) }, h('table', { class: 'analyses-grid', 'data-testid': 'analyses-grid', 'data-table': table.name },
      h('thead', null, h('tr', null, goes && h('th', { scope: 'col' }, h('span', { class: 'hidden' }, t('analyses.go.column'))), fields.map((f) => head(f, state.order, actions)))),
      h('tbody', null, places.map((i) => line(table, fields, i, state, goes, actions))))),
    foot(table, state, from, places.length, actions));
}

function head(field: Field, order: Order | null, actions: Actions): HTMLElement {
  const sort = order?.name === field.name ? (order.down ? 'descending' : 'ascending') : null;
  const unit = field.unit ? t(`analyses.unit.${field.unit}` as 'analyses.unit.mu') : '';
  return h('th', { scope: 'col', class: numeric(field.column) ? 'number' : '', 'aria-sort': sort },
    h('button', { type: 'button', 'data-sort': field.name, 'data-testid': `analyses-sort-${field.name}`, onclick: () => actions.sort(field.name) },
      pick(field.column.title), unit && h('small', null, unit), h('span', { 'aria-hidden': 'true', class: 'analyses-arrow' }, sort === 'descending' ? '↓' : sort === 'ascending' ? '↑' : '')));
}

function line(table: Table, fields: Field[], i: number, state: State, goes: boolean, actions: Actions): HTMLElement {
  const row = table.rows[i] ?? {};
  const can = goes && actions.can(row);
  const name = can ? nameOf(table, row) : '';
  return h('tr', {
    'data-row': i, class: [can && 'goes', i === state.marked && 'marked'].filter(Boolean).join(' '),
    onclick: can ? () => { if (!getSelection()?.toString()) actions.go(i); } : null,
  }, goes && h('td', null, can && h('button', { type: 'button', class: 'analyses-go', 'aria-label': t('analyses.go', { name }), 'data-testid': `analyses-go-${i}`, onclick: (e: Event) => { e.stopPropagation(); actions.go(i); } }, icon(pin))),
  fields.map((f) => cell(table, f, row)));
}

function cell(table: Table, field: Field, row: Row): HTMLElement {
  const value = row[field.name];
  const words = typeof value === 'string' && value !== '' ? shown(table, field.column, row) : text(field, value);
  const number = typeof value === 'number';
  const named = typeof value === 'string' && !(`${field.name}_name` in row) ? meant(field.column, value) : '';
  return h('td', { class: numeric(field.column) ? 'number' : '', 'data-name': field.name }, number ? h('data', { value: String(value) }, words) : words, named && h('small', null, named));
}

// foot says which rows are shown, and turns the page.
function foot(table: Table, state: State, from: number, n: number, actions: Actions): HTMLElement {
  const all = state.places.length;
  const pages = Math.ceil(all / pageRows);
  return h('div', { class: 'analyses-foot' },
    h('span', { role: 'status', 'data-testid': 'analyses-count' }, t('analyses.rows', { from: count(from + 1), to: count(from + n), all: count(all) }), all < table.rows.length ? t('analyses.rows.of', { n: count(table.rows.length) }) : ''),
    pages > 1 && h('span', { class: 'analyses-buttons' },
      h('button', { type: 'button', disabled: state.page === 0, 'data-testid': 'analyses-page-before', onclick: () => actions.page(state.page - 1) }, t('analyses.page.before')),
      h('button', { type: 'button', disabled: state.page + 1 >= pages, 'data-testid': 'analyses-page-next', onclick: () => actions.page(state.page + 1) }, t('analyses.page.next'))));
}
