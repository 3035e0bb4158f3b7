// What the tier has: GET /{tier}/catalog and /{tier}/legend.json, in the form
// that the rest of the page reads.
//
// Read from the catalogue: generation, extent [minLon, minLat, maxLon, maxLat],
// approval (审图号), disclaimer and use (text or {zh, en}), base_maps [{name, title, grid,
// minzoom, maxzoom, attribution, tiles}], and layers [{name,
// title, vintage, features, extent, fields, record, thumbnail, services}], where a
// field is its name or {name, title}, record is what is said of the layer beside,
// thumbnail the address of its picture and services those at which it is had. Only the
// layer's name is needed; what is missing is not shown.

import { get } from './api.js';

// product is the order in which the product's own layers are listed and measured.
const product = ['cropland', 'pbf', 'hsf'];

const standard = {
  cropland: { zh: '耕地', en: 'Cropland' },
  pbf: { zh: '永久基本农田', en: 'Permanent basic farmland' },
  hsf: { zh: '高标准农田', en: 'High-standard farmland' },
  dltb: { zh: '地类图斑', en: 'Land-survey patches' },
  region: { zh: '行政区', en: 'Places' },
};

// loadCatalog returns {generation, extent, approval, disclaimer, use, baseMaps, layers:
// [{name, title, vintage, features, extent, fields: Map(name → title), entries}]}.
export async function loadCatalog() {
  const raw = await get('catalog');
  const legend = await get('legend.json');
  const entries = new Map((legend?.layers ?? []).map((l) => [l.layer, l]));
  const layers = (raw?.layers ?? []).map((l) => ({
    name: l.name,
    title: l.title || entries.get(l.name)?.title || standard[l.name] || l.name,
    vintage: l.vintage ?? '',
    features: l.features ?? null,
    extent: isExtent(l.extent) ? l.extent : null,
    fields: new Map((l.fields ?? []).map((f) => (typeof f === 'string' ? [f, ''] : [f.name, f.title ?? '']))),
    entries: entries.get(l.name)?.entries ?? [],
    record: l.record ?? null,
    thumbnail: l.thumbnail ?? '',
    services: l.services ?? {},
  }));
  layers.sort((a, b) => rank(a.name) - rank(b.name));
  return {
    generation: raw?.generation ?? '',
    extent: isExtent(raw?.extent) ? raw.extent : union(layers),
    approval: raw?.approval ?? '',
    disclaimer: raw?.disclaimer ?? '',
    use: raw?.use ?? '',
    baseMaps: raw?.base_maps ?? [],
    layers,
  };
}

// measured returns the names of the layers that an overlay asks for.
export const measured = (catalog) => product.filter((name) => catalog.layers.some((l) => l.name === name));

// layerOf returns a layer of the catalogue, or one that has only its name.
export const layerOf = (catalog, name) => catalog.layers.find((l) => l.name === name)
  ?? { name, title: standard[name] ?? name, entries: [], fields: new Map() };

function rank(name) {
  const i = product.indexOf(name);
  return i >= 0 ? i : product.length;
}

function isExtent(e) {
  return Array.isArray(e) && e.length === 4 && e.every(Number.isFinite) && e[0] <= e[2] && e[1] <= e[3];
}

function union(layers) {
  const all = layers.map((l) => l.extent).filter(Boolean);
  if (!all.length) return null;
  return [0, 1, 2, 3].map((i) => Math[i < 2 ? 'min' : 'max'](...all.map((e) => e[i])));
}
