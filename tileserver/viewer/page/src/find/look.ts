// Looking for what was typed: coordinates here, names and codes by the server.

import type { Feature, Geometry } from 'geojson';
import type { App } from '../app';
import { aborted, asProblem, get, vintage, type Problem } from '../core/api';
import type { Extent } from '../core/geometry';
import type { Key } from '../core/words';
import { parseCoordinate, type Reading } from './coordinate';

export interface Place { code: string; name: string; extent: Extent | null; label?: [lon: number, lat: number] }

// Parcel is a feature that has the code; layers are all in which it is, the one to show first.
export interface Parcel { layer: string; id: number | string; code: string; vintage: string; also: string[] }

export type Result = { kind: 'coordinate'; reading: Reading } | { kind: 'place'; place: Place } | { kind: 'feature'; parcel: Parcel };

// Note is a sentence beside the results: why there are none, or not all.
export type Note = { key: Key; values: Record<string, string | number> } | { problem: Problem };

export interface Answer { results: Result[]; notes: Note[] }

// placesShown is how many places are listed.
const placesShown = 20;

// codeForm is what a parcel's code may look like: letters and digits, digits for the most part.
const codeForm = /^(?=(?:\D*\d){6})[0-9A-Za-z]{8,64}$/;

// half writes full-width letters and digits as others. Not as coordinates are read: 分 and 度
// stand in names of places.
const half = (text: string): string => text.trim().normalize('NFKC');

// look answers text; it throws only the AbortError of signal, for what the server says
// against it stands in the notes.
export async function look(text: string, app: App, signal: AbortSignal): Promise<Answer> {
  const answer: Answer = { results: [], notes: [] };
  const found = parseCoordinate(text, app.catalog.extent);
  for (const reading of found?.readings ?? []) answer.results.push({ kind: 'coordinate', reading });
  if (found?.fault) answer.notes.push({ key: `fault.${found.fault.why}`, values: { n: found.fault.n } });
  // Digits in groups may be a long code; anything else that looks like a coordinate is none.
  if (found && (found.readings.length || !/^[\d\s]{18,}$/.test(half(text)))) return answer;
  if (!app.may('features')) {
    answer.notes.push({ key: 'search.refused', values: {} });
    return answer;
  }
  const code = half(text).replace(/[\s-]/g, '').toUpperCase();
  if (!/^\d{15,}$/.test(code)) await told(answer, findPlaces(text.trim(), code, signal, answer));
  if (codeForm.test(code) && !answer.results.length) await told(answer, findParcels(code, app, signal, answer));
  return answer;
}

// told puts what the server says against a question into the notes.
async function told(answer: Answer, asked: Promise<void>): Promise<void> {
  try {
    await asked;
  } catch (thrown) {
    if (aborted(thrown)) throw thrown;
    answer.notes.push({ problem: asProblem(thrown) });
  }
}

async function findPlaces(text: string, code: string, signal: AbortSignal, answer: Answer): Promise<void> {
  const q = /^\d+$/.test(code) ? code : half(text);
  const { places = [], total = places.length } = await get<{ places?: Place[]; total?: number }>(`places?q=${encodeURIComponent(q)}`, signal);
  // The whole name or code before others that begin with it, short names before long ones.
  const rank = (p: Place) => (p.code === q || p.name === q ? 0 : p.name.startsWith(q) ? 1 : 2);
  const sorted = places.map((p, i) => ({ p, i })).sort((a, b) => rank(a.p) - rank(b.p) || a.i - b.i).map((x) => x.p);
  for (const place of sorted.slice(0, placesShown)) answer.results.push({ kind: 'place', place });
  if (total > placesShown) answer.notes.push({ key: 'search.more', values: { total, n: placesShown } });
}

interface Codes { features?: (Feature<Geometry | null> & { layer?: string; vintage?: string })[]; missing?: { layer: string; code: string; detail: string; advice?: string }[] }

// findParcels asks all layers that can have a code of a parcel, as many at once as the
// server takes.
async function findParcels(code: string, app: App, signal: AbortSignal, answer: Answer): Promise<void> {
  if (app.catalog.totalsOnly) {
    answer.notes.push({ key: 'search.totals', values: {} });
    return;
  }
  const asked = app.catalog.layers.filter((l) => l.name !== 'region' && (!vintage() || l.vintages.includes(vintage()))).map((l) => l.name);
  if (!asked.length) {
    answer.notes.push({ key: 'search.vintage', values: { vintage: vintage() } });
    return;
  }
  const most = Math.max(2, app.catalog.limits.tile_layers ?? 16);
  const lists: string[][] = [];
  for (let i = 0; i < asked.length; i += most) lists.push(asked.slice(i, i + most));
  const answers = await Promise.all(lists.map((list) => askCodes(list, code, signal)));
  const parcels = merge(answers.flatMap((a) => a.features ?? []), code);
  for (const parcel of parcels) answer.results.push({ kind: 'feature', parcel });
  if (!parcels.length) answer.notes.push(missingNote(answers.flatMap((a) => a.missing ?? []), code));
}

// askCodes asks layers for a code. One layer alone is answered with a feature, or refused.
async function askCodes(list: string[], code: string, signal: AbortSignal): Promise<Codes> {
  try {
    const a = await get<Codes & Feature<Geometry | null>>(`features/${list.map(encodeURIComponent).join(',')}?code=${encodeURIComponent(code)}`, signal);
    return a.type === 'Feature' as string ? { features: [a] } : a;
  } catch (thrown) {
    const problem = thrown as Problem;
    if (list.length > 1 || aborted(thrown) || !['no_feature', 'code_check', 'code_form'].includes(problem.code)) throw thrown;
    return { missing: [{ layer: list[0] ?? '', code: problem.code, detail: problem.detail }] };
  }
}

// merge takes a patch that several layers show under one id for one parcel.
function merge(features: NonNullable<Codes['features']>, code: string): Parcel[] {
  const byID = new Map<string, Parcel>();
  for (const f of features) {
    const known = byID.get(String(f.id));
    if (known) known.also.push(f.layer ?? '');
    else byID.set(String(f.id), { layer: f.layer ?? '', id: f.id ?? '', code, vintage: f.vintage ?? '', also: [] });
  }
  return [...byID.values()];
}

// missingNote says why no layer has the code: what the server knows of it, such as a check
// character that is wrong or another vintage, before that there is none.
function missingNote(missing: NonNullable<Codes['missing']>, code: string): Note {
  const telling = missing.find((m) => m.code === 'code_check' || m.code === 'code_form') ?? missing.find((m) => m.advice);
  if (!telling) return { key: 'search.missing', values: { code } };
  return { key: 'search.said', values: { text: [telling.detail, telling.advice].filter(Boolean).join(' ') } };
}
