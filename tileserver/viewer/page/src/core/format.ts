// Numbers as text: grouped digits, fixed decimals, the same in both languages.

import { codeTitle, fieldKind } from './fields';
import { lang, t } from './i18n';

const grouped = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

// m2PerMu is the area of one 亩.
const m2PerMu = 2000 / 3;

// area writes an area with two decimals; '—' where there is none.
export const area = (n: number | null | undefined): string => (n == null ? '—' : grouped.format(n));

// formulaText names the formula of an answer's areas; one that is new, as it is given.
export const formulaText = (formula = ''): string => (formula === 'ellipsoidal CGCS2000' ? t('formula') : formula);

// count writes a whole number.
export const count = (n: number | null | undefined): string => (n == null ? '—' : whole.format(n));

// percent writes part of total as a percentage with one decimal.
export const percent = (part: number, total: number): string => (total > 0 ? `${((100 * part) / total).toFixed(1)}%` : '—');

// muOf and haOf turn square metres into 亩 and hectares; null stays null.
export const muOf = (m2: number | null | undefined): number | null => (m2 == null ? null : m2 / m2PerMu);
export const haOf = (m2: number | null | undefined): number | null => (m2 == null ? null : m2 / 10000);

// Unit is one that areas are shown in.
export type Unit = 'mu' | 'ha' | 'm2';

// inUnit turns square metres into a unit; null stays null.
export const inUnit = (m2: number | null, unit: Unit): number | null => (unit === 'mu' ? muOf(m2) : unit === 'ha' ? haOf(m2) : m2);

// degrees writes a longitude or latitude with six decimals (0.1 m).
export const degrees = (n: number): string => `${n.toFixed(6)}°`;

// fieldText writes the value of a field of a feature.
export function fieldText(name: string, value: unknown): string {
  if (value == null || value === '') return '—';
  const kind = fieldKind(name);
  if (typeof value === 'boolean') return value ? '✓' : '✗';
  if (typeof value === 'object') return JSON.stringify(value);
  const text = String(value);
  if (kind === 'text') return text;
  const number = Number(value);
  const units: Record<string, string> = { area: lang() === 'zh' ? '平方米' : 'm²', mu: lang() === 'zh' ? '亩' : 'mu', ha: lang() === 'zh' ? '公顷' : 'ha' };
  const unit = units[kind];
  if (unit) return Number.isFinite(number) ? `${area(number)} ${unit}` : text;
  if (kind === 'count') return Number.isFinite(number) ? count(number) : text;
  const title = codeTitle(kind, text, lang());
  return title ? `${text} · ${title}` : text;
}
