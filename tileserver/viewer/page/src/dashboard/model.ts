// What the dashboard shows of answers: which figure of which table, in which order. The
// figures are those of the answers; what is added up here is added in units of 0.01 m².

import type { Unit } from '../core/format';
import type { Answer, Row, Table } from '../jobs/answers';

// layers of the dashboard, and kinds of area. The kinds are never mixed in one figure.
export const layers = ['cropland', 'pbf', 'hsf'] as const;
export type LayerName = (typeof layers)[number];

// Kind is a kind of area: net and patch are those of record; ground is ellipsoidal, each
// ground once; gross is ellipsoidal, features added up.
export type Kind = 'net' | 'patch' | 'ground' | 'gross';


// levels of places, the widest first, with the digits of their codes.
export const levels = { prefecture: 4, county: 6, township: 9, village: 12, group: 14 } as const;
export type Level = keyof typeof levels;
const levelNames = Object.keys(levels) as Level[];

// levelOf returns the level whose codes are as long as code; null for none.
export const levelOf = (code: string): Level | null => levelNames.find((l) => levels[l] === code.length) ?? null;

// below returns the levels that lie inside of a place, the widest first; all for ''.
export const below = (place: string): Level[] => levelNames.filter((l) => levels[l] > place.length);

// parents returns the codes of the places that a place lies in, the widest first, and its own.
export const parents = (place: string): string[] => levelNames.map((l) => levels[l]).filter((n) => n <= place.length).map((n) => place.slice(0, n));

// members are the columns of dash_area by layer and kind.
const members: Record<LayerName, Partial<Record<Kind, string>>> = {
  cropland: { net: 'crop', patch: 'crop_patch', ground: 'crop_area' },
  pbf: { net: 'pbf', patch: 'pbf_patch', ground: 'pbf_area' },
  hsf: { ground: 'hsf_area', gross: 'hsf_gross' },
};

// kindsOf are the kinds of area that a source has of a layer: the analysis counts ground
// once, GET /summary adds features up.
export const kindsOf = (layer: LayerName, source: 'analysis' | 'summary'): Kind[] => (source === 'analysis' ? Object.keys(members[layer]) as Kind[] : ['net', 'patch', 'gross']);

// Place is a row of the ranking. Values are as the answer has them, null where the record
// has none; what an answer does not give at all is null, too.
export interface Place {
  code: string; name: string; features: number | null;
  value: number | null; // in the unit asked for
  m2: number | null;
  target: number | null; ofTarget: number | null; source: string;
  rank: number | null; // equal values share one; null without a value
}

// textOf and numberOf read a member of a row; '' and null where it is none.
const textOf = (row: Row, name: string): string => { const v = row[name]; return v === null || v === undefined ? '' : String(v); };
const numberOf = (row: Row, name: string): number | null => { const v = row[name]; return typeof v === 'number' ? v : null; };

// tableOf returns a table of an answer; one that is missing is a fault of the answer.
export function tableOf(answer: Answer, name: string): Table {
  const table = answer.tables.find((o) => o.name === name);
  if (!table) throw new Error(`the answer has no table ${name}`);
  return table;
}

// yearsOf are the years of a table, the newest first.
export const yearsOf = (table: Table): string[] => [...new Set(table.rows.map((r) => textOf(r, 'year')))].filter(Boolean).sort().reverse();

// placesOf returns the places of dash_area in a year, of a layer and a kind of area, ranked.
export function placesOf(table: Table, layer: LayerName, kind: Kind, unit: Unit, year: string): Place[] {
  const member = members[layer][kind];
  const short = layer === 'cropland' ? 'crop' : layer;
  const net = kind === 'net'; // targets are of net area
  return ranked(table.rows.filter((r) => textOf(r, 'year') === year).map((r) => ({
    code: textOf(r, 'xzqdm'), name: textOf(r, 'xzqmc'), features: numberOf(r, `${short}_features`),
    value: member ? numberOf(r, `${member}_${unit}`) : null, m2: member ? numberOf(r, `${member}_m2`) : null,
    target: net ? numberOf(r, `${short}_target_${unit}`) : null, ofTarget: net ? numberOf(r, `${short}_of_target`) : null,
    source: net ? textOf(r, `${short}_target_source`) : '', rank: null,
  })));
}

// SummaryGroup is a group of GET /{tier}/summary.
export interface SummaryGroup { place: string; layer: string; vintage: string; by: string; features: number; area_m2: number; area_mu: number; patch_m2: number | null; net_m2: number | null; net_mu: number | null }

export interface Summary { generation: string; program: string; tier: string; by: string; formula: string; groups: SummaryGroup[] }

// summaryPlaces returns the places of a summary, of a layer and a kind of area, ranked;
// convert makes the unit of m² where the answer has m² alone.
export function summaryPlaces(summary: Summary, layer: LayerName, kind: Kind, unit: Unit, convert: (m2: number | null, unit: Unit) => number | null): Place[] {
  const of = (g: SummaryGroup): { m2: number | null; mu: number | null | undefined } => {
    if (kind === 'net') return { m2: g.net_m2 ?? null, mu: g.net_mu };
    return kind === 'patch' ? { m2: g.patch_m2 ?? null, mu: undefined } : { m2: g.area_m2, mu: g.area_mu };
  };
  return ranked(summary.groups.filter((g) => g.by === 'total' && g.layer === layer).map((g) => {
    const { m2, mu } = of(g);
    const value = unit === 'm2' ? m2 : unit === 'mu' && mu !== undefined ? mu : convert(m2, unit);
    return { code: g.place, name: '', features: g.features, value, m2, target: null, ofTarget: null, source: '', rank: null };
  }));
}

// ranked puts places in order, the largest first, equal ones by code and of one rank, those
// without a value last and without a rank.
export function ranked(places: Place[]): Place[] {
  const out = [...places].sort((a, b) => (b.m2 ?? -1) - (a.m2 ?? -1) || (a.code < b.code ? -1 : 1));
  out.forEach((p, i) => {
    const before = out[i - 1];
    p.rank = p.m2 === null ? null : before?.m2 === p.m2 ? before.rank : i + 1;
  });
  return out;
}

export type Order = 'rank' | 'code' | 'features' | 'ofTarget';

// inOrder returns places by a column; what has no value comes last either way.
export function inOrder(places: Place[], by: Order, down: boolean): Place[] {
  const sign = down ? -1 : 1;
  return [...places].sort((a, b) => {
    const [x, y] = [a[by], b[by]];
    if (x === null || y === null) return Number(x === null) - Number(y === null) || (a.code < b.code ? -1 : 1);
    return (x < y ? -sign : x > y ? sign : 0) || (a.code < b.code ? -1 : 1);
  });
}

// unconfirmed tells whether a text of an answer says that no officer answers for it, and
// without that mark.
export function unconfirmed(text: string): { is: boolean; text: string } {
  const is = /未确认|未经确认|not confirmed|unconfirmed/.test(text);
  return { is, text: text.replace('（未确认）', '') };
}

// Year is a year of the trend of one layer in one place.
export interface Year { year: string; value: number | null; m2: number | null; delta: number | null; break: string }

// trendOf returns the years of dash_trend of a layer in a place: net area of record, and
// of HSF, whose record has none, ellipsoidal area with each ground once.
export function trendOf(table: Table, place: string, layer: LayerName, unit: Unit): Year[] {
  const [now, delta] = layer === 'hsf' ? ['hsf_area', 'hsf_delta'] : layer === 'cropland' ? ['crop', 'crop_delta'] : ['pbf', 'pbf_delta'];
  return table.rows.filter((r) => textOf(r, 'xzqdm') === place).map((r) => ({
    year: textOf(r, 'year'), value: numberOf(r, `${now}_${unit}`), m2: numberOf(r, `${now}_m2`), delta: numberOf(r, `${delta}_${unit}`), break: textOf(r, 'break'),
  })).sort((a, b) => (a.year < b.year ? -1 : 1));
}

// codesIn are the places of a table, with their names.
export function codesIn(table: Table): { code: string; name: string }[] {
  const all = new Map(table.rows.map((r) => [textOf(r, 'xzqdm'), textOf(r, 'xzqmc')]));
  return [...all].map(([code, name]) => ({ code, name })).sort((a, b) => (a.code < b.code ? -1 : 1));
}

// hundredths turns m² into whole units of 0.01 m², in which sums are exact.
export const hundredths = (m2: number): number => Math.round(m2 * 100);

// Transition is what one class became in the places of an answer.
export interface Transition { from: string; fromName: string; to: string; toName: string; m2: number; links: number; parts: number }

// Area is which area of a flow: ellipsoidal, or of record with ridges under 1203.
export type FlowArea = 'area' | 'booked';

// transitionsOf adds the rows of the table flow up over its places; rows without the area
// asked for are left out. classes is how many digits of a class are told apart: 4 all, 2
// the first level. What stayed what it was (at that level) comes only with unchanged.
export function transitionsOf(table: Table, area: FlowArea, digits: 2 | 4, unchanged: boolean): Transition[] {
  const all = new Map<string, Transition>();
  for (const row of table.rows) {
    const m2 = numberOf(row, `${area}_m2`);
    const [from, to] = [digits === 2 ? textOf(row, 'from').slice(0, 2) : textOf(row, 'from'), digits === 2 ? textOf(row, 'to').slice(0, 2) : textOf(row, 'to')];
    if (m2 === null || (from === to && !unchanged)) continue;
    const key = `${from} ${to}`;
    const one = all.get(key) ?? { from, fromName: textOf(row, 'from_name'), to, toName: textOf(row, 'to_name'), m2: 0, links: 0, parts: 0 };
    one.m2 = (hundredths(one.m2) + hundredths(m2)) / 100;
    one.links += numberOf(row, 'links') ?? 0;
    one.parts += 1;
    all.set(key, one);
  }
  return [...all.values()].sort((a, b) => b.m2 - a.m2 || (a.from < b.from ? -1 : a.from > b.from ? 1 : a.to < b.to ? -1 : 1));
}

// Built is a year of the progress of a place, in square metres but for the share.
export interface Built { year: number; pbf: number; due: number; built: number; undated: number; gap: number; share: number | null; need: number | null; trend: number | null; onTrack: boolean | null; unrecorded: number }

// builtOf returns the years of pbf_hsf_progress of a place, the earliest first. What is to
// be built is permanent basic farmland less what does not meet the conditions.
export function builtOf(table: Table, place: string): Built[] {
  return table.rows.filter((r) => textOf(r, 'xzqdm') === place && numberOf(r, 'year') !== null).map((r) => {
    const m2 = (name: string) => numberOf(r, `${name}_m2`) ?? 0;
    return {
      year: numberOf(r, 'year') ?? 0, pbf: m2('pbf'), due: (hundredths(m2('pbf')) - hundredths(m2('ineligible'))) / 100, built: m2('built'), undated: m2('undated'), gap: m2('gap'),
      share: numberOf(r, 'share'), need: numberOf(r, 'need_per_year_m2'), trend: numberOf(r, 'trend_per_year_m2'), onTrack: typeof r.on_track === 'boolean' ? r.on_track : null, unrecorded: numberOf(r, 'n_unrecorded') ?? 0,
    };
  }).sort((a, b) => a.year - b.year);
}

// goalYear is the year by which all is to be built, as the answer's columns name it; null
// where they name none.
export function goalYear(table: Table): number | null {
  const title = table.columns.find((c) => c.name === 'need_per_year')?.title;
  const found = /(?:19|20)\d\d/.exec(typeof title === 'string' ? title : title?.zh ?? title?.en ?? '');
  return found ? Number(found[0]) : null;
}
