// The rows of a table of an answer: which fields are shown, in which order, and how values
// are written. Figures are those of the answer; nothing is computed.

import { codeTitle } from '../core/fields';
import type { Unit } from '../core/format';
import { joined, lang, pick } from '../core/i18n';
import type { Column, Row, Table, Value } from './answers';

// Field is a column as it is shown: its values are members of that name.
export interface Field { name: string; column: Column; unit: string }

// fieldsOf returns the fields of a table, areas in one unit: the answer has each in all.
export const fieldsOf = (table: Table, unit: Unit): Field[] => table.columns.filter((c) => inLanguage(table, c)).map((column) => (column.kind === 'area'
  ? { name: `${column.name}_${unit}`, column, unit } : { name: column.name, column, unit: column.kind === 'length' ? 'm' : '' }));

// inLanguage tells whether a column is of the page's language: texts that the answer has in
// both stand in NAME and NAME_en.
function inLanguage(table: Table, { name }: Column): boolean {
  const has = (other: string) => table.columns.some((c) => c.name === other);
  return lang() === 'zh' ? !(name.endsWith('_en') && has(name.slice(0, -3))) : !has(`${name}_en`);
}

// numeric tells whether a column's values stand at the right.
export const numeric = (column: Column): boolean => ['count', 'area', 'length', 'ratio', 'number'].includes(column.kind);

// measures are the columns whose figures a chart can show.
export const measures = (table: Table): Column[] => table.columns.filter((c) => ['area', 'length', 'ratio', 'count', 'number'].includes(c.kind) && !ordinal(c));

// ordinal tells whether the numbers of a column are names: years, ranks, coordinates.
const ordinal = (column: Column): boolean => /^(year|age|rank|gap_m|gddj|west|south|east|north|plot)$/.test(column.name) || column.name.endsWith('_id');

const decimals: Record<string, number> = { m2: 2, mu: 4, ha: 2, m: 2 };

// text writes a value as the table shows it: digits in groups of three, as many behind the
// point as the answer has; '—' where there is none. Truths are ✓ and ✗.
export function text(field: Field, value: Value | undefined): string {
  if (value === null || value === undefined || value === '') return '—';
  if (typeof value === 'boolean') return value ? '✓' : '✗';
  if (typeof value === 'string' || ordinal(field.column)) return String(value);
  if (field.column.kind === 'ratio') return `${(100 * value).toFixed(2)}%`;
  if (field.column.kind === 'number') return value.toLocaleString('en-US', { maximumFractionDigits: 6 });
  const digits = decimals[field.unit] ?? 0;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

// told is what a value of a column is called in the page's language: one code, or several with
// spaces, plus signs or enumeration commas between; the value where it is no code.
export function told({ values }: Column, value: string): string {
  if (!values?.length) return value;
  const title = (code: string) => pick(values.find((v) => v.value === code)?.title);
  const parts = value.split(/[ +、]/).filter(Boolean).map(title);
  return title(value) || (parts.length && parts.every(Boolean) ? joined(parts) : value);
}

// codeColumns are columns of codes of the survey, by the list that names them.
const codeColumns: Record<string, string> = { dlbm: 'class', class: 'class', from: 'class', to: 'class', before: 'class', after: 'class', gdpdjb: 'GDPDJB', slope: 'GDPDJB' };

// meant is what a code of the survey means; '' of anything else.
export const meant = ({ name, kind }: Column, value: string): string => (kind === 'code' ? codeTitle(codeColumns[name] ?? '', value, lang()) : '');

// shown is a text of a row as the page shows it. Names of classes that the answer has in
// Chinese alone stand in the page's language where that is known.
export function shown(table: Table, column: Column, row: Row): string {
  const value = String(row[column.name] ?? '');
  const code = column.name.endsWith('_name') ? table.columns.find((c) => c.name === column.name.slice(0, -5)) : undefined;
  return (lang() === 'en' && code && meant(code, String(row[code.name] ?? ''))) || told(column, value);
}

export interface Order { name: string; down: boolean }

// sorted returns the places of rows in order; equal ones stay as they were, and what has no
// value comes last either way.
export function sorted(rows: readonly Row[], places: readonly number[], order: Order | null): number[] {
  if (!order) return [...places];
  const sign = order.down ? -1 : 1;
  const of = (i: number): Value => rows[i]?.[order.name] ?? null;
  return [...places].sort((i, k) => {
    const [a, b] = [of(i), of(k)];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return sign * compare(a, b);
  });
}

function compare(a: Exclude<Value, null>, b: Exclude<Value, null>): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  return Number(a) - Number(b);
}

// filtered returns the places of the rows that have all the words of search in a text, a
// code or a year, and the chosen value of each chosen column.
export function filtered(table: Table, search: string, chosen: ReadonlyMap<string, string>): number[] {
  const wanted = search.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const names = table.columns.filter((c) => c.kind === 'text' || c.kind === 'code' || ordinal(c));
  const out: number[] = [];
  table.rows.forEach((row, i) => {
    for (const [name, value] of chosen) if (String(row[name] ?? '') !== value) return;
    if (wanted.length) {
      const all = names.map((c) => `${String(row[c.name] ?? '')}\n${shown(table, c, row)}`).join('\n').toLowerCase();
      if (!wanted.every((w) => all.includes(w))) return;
    }
    out.push(i);
  });
  return out;
}

// mostValues is how many values a column has at most that rows are chosen by.
const mostValues = 12;

// facets are the columns of few values, by which rows can be chosen, with those values; at
// most four.
export function facets(table: Table): { column: Column; values: string[] }[] {
  if (table.rows.length < 4) return [];
  const out: { column: Column; values: string[] }[] = [];
  for (const column of table.columns) {
    if (out.length === 4) break;
    if (numeric(column) && !ordinal(column)) continue;
    const values = new Set<string>();
    for (const row of table.rows) {
      values.add(String(row[column.name] ?? ''));
      if (values.size > mostValues) break;
    }
    if (values.size < 2 || values.size > mostValues || 2 * values.size > table.rows.length) continue;
    if (out.some((f) => sameGroups(table, f.column.name, column.name))) continue;
    out.push({ column, values: [...values].sort() });
  }
  return out;
}

// sameGroups tells whether two columns part the rows alike, as a code and its name do.
function sameGroups(table: Table, a: string, b: string): boolean {
  const seen = new Map<string, string>();
  const values = new Set<string>();
  for (const row of table.rows) {
    const [x, y] = [String(row[a] ?? ''), String(row[b] ?? '')];
    if ((seen.get(x) ?? y) !== y) return false;
    seen.set(x, y);
    values.add(y);
  }
  return values.size === seen.size;
}

const placeColumns = ['xzqdm', 'xzqdm12'];
const featureColumns = ['bsm', 'to_bsm', 'from_bsm', 'bsm_a', 'bsm_b'];

// placeOf is the code of the place of a row; '' for none.
export const placeOf = (row: Row): string => firstOf(row, placeColumns);

// codesOf are the codes of the features that a row names.
export const codesOf = (row: Row): string[] => featureColumns.map((name) => row[name]).filter((v): v is string => typeof v === 'string' && v !== '');

const firstOf = (row: Row, names: string[]): string => String(names.map((n) => row[n]).find((v) => typeof v === 'string' && v !== '') ?? '');

// nameOf is what a row is called: its names and codes, without figures.
export function nameOf(table: Table, row: Row): string {
  const parts = table.columns.filter((c) => (c.kind === 'text' || c.kind === 'code' || c.name === 'year' || c.name === 'gap_m') && inLanguage(table, c) && !hasName(table, c)).map((c) => shown(table, c, row));
  return parts.filter(Boolean).slice(0, 4).join(' · ') || table.name;
}

// hasName tells whether a column of codes has its names beside it.
function hasName(table: Table, column: Column): boolean {
  const beside = column.name.startsWith('xzqdm') ? 'xzqmc' : `${column.name}_name`;
  return column.kind === 'code' && table.columns.some((c) => c.name === beside) && table.rows.some((r) => r[beside]);
}
