// What the tier holds, from GET /{tier}/catalog and GET /{tier}/legend.json.
//
// Only a layer's name is needed; what is missing is not shown.

import { getOf, hasToken, tier, vintage } from './api';
import { union, type Extent } from './geometry';
import type { Text } from './i18n';

// Entry is one line of a legend.
export interface Entry {
  value?: string; label?: Text; fill?: string; fill_opacity?: number; line?: string; hatch?: string; hatch_lines?: string; dashed?: boolean;
}

// LayerRecord is what the catalogue says of a layer beside what is drawn.
export interface LayerRecord {
  group?: string; theme?: string; class?: string; net?: string; grade?: string; confirmed?: boolean; source?: string; update?: string; department?: string; use?: string;
  contact?: { organisation?: string; phone?: string; email?: string; address?: string };
}

export interface Layer {
  name: string;
  title: Text;
  vintage: string;
  vintages: string[]; // newest first
  features: number | null;
  extent: Extent | null;
  fields: Map<string, Text>; // name → title
  entries: Entry[];
  record: LayerRecord | null;
  thumbnail: string;
  services: Record<string, string>;
}

export interface BaseMap { name: string; title?: string; grid: string; minzoom: number; maxzoom: number; attribution?: string; tiles: string }

export interface Catalog {
  generation: string;
  extent: Extent | null;
  approval: Text; // 审图号
  disclaimer: Text;
  use: Text;
  vintages: string[]; // of all layers, newest first
  baseMaps: BaseMap[];
  limits: Record<string, number>;
  services: Record<string, string>;
  layers: Layer[];
  totalsOnly: boolean; // the edition tells totals alone: no features, no pieces
  maxzoom: number; // of its tiles; 18 where the catalogue does not say it
  // How the edition was made; '' and undefined where the catalogue does not say it.
  created: string; // RFC 3339
  program: string;
  formula: string; // of its areas
  policy: Policy | undefined;
}

// Policy is the data policy that an edition was made by.
export interface Policy { name: string; digest: string }

interface RawLayer {
  name: string; title?: Text; vintage?: string; vintages?: (string | { vintage: string })[]; features?: number; extent?: unknown; fields?: (string | { name: string; title?: Text })[];
  record?: LayerRecord; thumbnail?: string; services?: Record<string, string>;
}

// RawCatalog is the answer as it came.
interface RawCatalog {
  generation?: string; extent?: unknown; approval?: Text; disclaimer?: Text; use?: Text; base_maps?: BaseMap[]; limits?: Record<string, number>; services?: Record<string, string>;
  layers?: RawLayer[]; totals_only?: boolean; maxzoom?: number; created?: string; program?: string; formula?: string; policy?: Policy;
}

interface Legend { layers?: { layer: string; title?: Text; entries?: Entry[] }[] }

// product is the order in which the product's own layers are listed and measured.
const product = ['cropland', 'pbf', 'hsf'];

const standard: Record<string, Text> = {
  cropland: { zh: '耕地', en: 'Cropland' },
  pbf: { zh: '永久基本农田', en: 'Permanent basic farmland' },
  hsf: { zh: '高标准农田', en: 'High-standard farmland' },
  dltb: { zh: '地类图斑', en: 'Land-survey patches' },
  region: { zh: '行政区', en: 'Places' },
};

// loadCatalog reads both, as of the latest vintage of each layer; a layer of several
// vintages is one layer. Who has no token may be refused: then the second is not asked for.
export async function loadCatalog(): Promise<Catalog> {
  const catalog = getOf<RawCatalog>('', 'catalog');
  if (tier !== 'public' && !hasToken()) await catalog;
  const [raw, legend] = await Promise.all([catalog, getOf<Legend>('', 'legend.json')]);
  const entries = new Map((legend.layers ?? []).map((l) => [l.layer, l]));
  const byName = new Map<string, Layer>();
  for (const l of raw.layers ?? []) {
    const known = byName.get(l.name);
    const layer = layerFrom(l, entries.get(l.name));
    if (known) known.vintages.push(...layer.vintages);
    else byName.set(l.name, layer);
  }
  const layers = [...byName.values()].sort((a, b) => rank(a.name) - rank(b.name));
  for (const l of layers) l.vintages = [...new Set(l.vintages)].sort().reverse();
  return {
    generation: raw.generation ?? '',
    extent: extentFrom(raw.extent) ?? union(layers.flatMap((l) => (l.extent ? [l.extent] : []))),
    approval: raw.approval ?? '', disclaimer: raw.disclaimer ?? '', use: raw.use ?? '',
    vintages: [...new Set(layers.flatMap((l) => l.vintages))].sort().reverse(),
    baseMaps: raw.base_maps ?? [], limits: raw.limits ?? {}, services: raw.services ?? {},
    layers, totalsOnly: raw.totals_only === true, maxzoom: raw.maxzoom ?? 18,
    created: raw.created ?? '', program: raw.program ?? '', formula: raw.formula ?? '', policy: raw.policy,
  };
}

function layerFrom(l: RawLayer, legend: { title?: Text; entries?: Entry[] } | undefined): Layer {
  return {
    name: l.name,
    title: l.title || legend?.title || standard[l.name] || l.name,
    vintage: l.vintage ?? '',
    vintages: [...(l.vintage ? [l.vintage] : []), ...(l.vintages ?? []).map((v) => (typeof v === 'string' ? v : v.vintage))],
    features: l.features ?? null,
    extent: extentFrom(l.extent),
    fields: new Map((l.fields ?? []).map((f) => (typeof f === 'string' ? [f, ''] : [f.name, f.title ?? '']))),
    entries: legend?.entries ?? [],
    record: l.record ?? null,
    thumbnail: l.thumbnail ?? '',
    services: l.services ?? {},
  };
}

// Counted is what the catalogue says of a layer in one vintage.
export interface Counted { vintage: string; features: number | null }

const years = new Map<string, Promise<Map<string, Counted>>>();

// countsOf returns what there is of each layer in a vintage, by the layer's name; layers
// that have no such vintage are left out. '' is the latest of each.
export function countsOf(catalog: Catalog, of: string): Promise<Map<string, Counted>> {
  if (!of) return Promise.resolve(new Map(catalog.layers.map((l) => [l.name, { vintage: l.vintage, features: l.features }])));
  const known = years.get(of);
  if (known) return known;
  const asked = getOf<RawCatalog>(of, 'catalog').then((raw) => new Map((raw.layers ?? []).map((l) => [l.name, { vintage: l.vintage ?? of, features: l.features ?? null }])));
  years.set(of, asked);
  asked.catch(() => years.delete(of)); // asked again next time
  return asked;
}

// legendsOf returns the legends of layers, by name, for those that the catalogue has none of yet.
export async function legendsOf(names: string[]): Promise<Map<string, Entry[]>> {
  const legend = await getOf<Legend>('', `legend.json?layers=${names.map(encodeURIComponent).join(',')}`);
  return new Map((legend.layers ?? []).map((l) => [l.layer, l.entries ?? []]));
}

// hasVintage tells whether a layer has a vintage; '' is the latest, which each has.
export const hasVintage = (l: Layer, of: string): boolean => of === '' || l.vintages.includes(of);

// measured returns the names of the layers that an overlay asks for: those of the product
// that there are in the page's vintage.
export const measured = (catalog: Catalog): string[] => product.filter((name) => catalog.layers.some((l) => l.name === name && hasVintage(l, vintage())));

// lacking returns the names of the product's layers that the page's vintage has not.
export const lacking = (catalog: Catalog): string[] => product.filter((name) => catalog.layers.some((l) => l.name === name && !hasVintage(l, vintage())));

// layerOf returns a layer of the catalogue, or one that has only its name.
export const layerOf = (catalog: Catalog, name: string): Layer => catalog.layers.find((l) => l.name === name)
  ?? layerFrom({ name }, undefined);

function rank(name: string): number {
  const i = product.indexOf(name);
  return i >= 0 ? i : product.length;
}

function extentFrom(e: unknown): Extent | null {
  if (!Array.isArray(e) || e.length !== 4 || !e.every(Number.isFinite)) return null;
  const [w, s, x, n] = e as Extent;
  return w <= x && s <= n ? [w, s, x, n] : null;
}
