// Numbers as text: grouped digits, fixed decimals, the same in both languages.

import { lang } from './i18n.js';
import { codeTitle, fieldKind } from './fields.js';

const grouped = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

// m2PerMu is the area of one 亩.
const m2PerMu = 2000 / 3;

// area writes an area with two decimals; '—' where there is none.
export const area = (n) => (n == null ? '—' : grouped.format(n));

// count writes a whole number.
export const count = (n) => (n == null ? '—' : whole.format(n));

// percent writes part of total as a percentage with one decimal.
export const percent = (part, total) => (total > 0 ? `${((100 * part) / total).toFixed(1)}%` : '—');

// muOf and haOf turn square metres into 亩 and hectares; null stays null.
export const muOf = (m2) => (m2 == null ? null : m2 / m2PerMu);
export const haOf = (m2) => (m2 == null ? null : m2 / 10000);

// degrees writes a longitude or latitude with six decimals (0.1 m).
export const degrees = (n) => `${n.toFixed(6)}°`;

// fieldText writes the value of a field of a feature.
export function fieldText(name, value) {
  if (value == null || value === '') return '—';
  const kind = fieldKind(name);
  if (typeof value === 'boolean') return value ? '✓' : '✗';
  if (typeof value === 'object') return JSON.stringify(value);
  if (kind === 'text') return String(value);
  const number = Number(value);
  const units = { area: lang() === 'zh' ? '平方米' : 'm²', mu: lang() === 'zh' ? '亩' : 'mu', ha: lang() === 'zh' ? '公顷' : 'ha' };
  if (kind in units) return Number.isFinite(number) ? `${area(number)} ${units[kind]}` : String(value);
  if (kind === 'count') return Number.isFinite(number) ? count(number) : String(value);
  const title = codeTitle(kind, value, lang());
  return title ? `${value} · ${title}` : String(value);
}
