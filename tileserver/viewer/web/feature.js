// A click on the map: the features under it, with the fields of their tile at
// once, and the whole record when the server has given it.

import { get } from './api.js';
import { layerOf } from './catalog.js';
import { h, problemBox, swatch } from './dom.js';
import { fieldKind, fieldOrder, fieldTitle } from './fields.js';
import { fieldText } from './format.js';
import { lang, onLang, pick, t } from './i18n.js';
import { fit, setShape } from './map.js';
import { closeSide, fillSide, openSide } from './side.js';

// recordMembers are members of an answered feature that are shown like fields.
const recordMembers = ['vintage', 'area_m2', 'area_mu', 'area_ha', 'patch_m2', 'net_m2', 'net_mu'];

// createFeature wires clicks. blocked tells that a click is not for features.
export function createFeature(map, catalog, layers, blocked) {
  let hits = [];
  let request = null;

  const clear = () => { request?.abort(); hits = []; setShape(map, 'selected', null); };
  const render = () => (hits.length ? panel(map, catalog, hits) : null);

  map.on('click', async (e) => {
    if (blocked()) return;
    clear();
    hits = found(map, layers, e.point);
    if (!hits.length) { closeSide('feature'); return; }
    openSide('feature', render(), clear);
    const mine = new AbortController();
    request = mine;
    await Promise.all(hits.map((hit) => readRecord(hit, mine.signal)));
    if (mine.signal.aborted) return;
    setShape(map, 'selected', hits.find((hit) => hit.record)?.record.geometry ?? null);
    fillSide('feature', render());
  });
  map.on('mousemove', (e) => {
    if (!blocked()) map.getCanvas().classList.toggle('over', found(map, layers, e.point).length > 0);
  });
  onLang(() => { const content = render(); if (content) fillSide('feature', content); });
}

// found returns the features at a point, the topmost layer first, one entry a
// feature: {name, id, properties, record, problem}.
function found(map, layers, point) {
  const owner = new Map(layers.flatMap((l) => l.styleLayers.filter((s) => s.type === 'fill').map((s) => [s.id, l.name])));
  const seen = new Map();
  for (const f of map.queryRenderedFeatures(point, { layers: [...owner.keys()] })) {
    const name = owner.get(f.layer.id);
    const key = `${name} ${f.id ?? JSON.stringify(f.properties)}`;
    if (!seen.has(key)) seen.set(key, { name, id: f.id || null, properties: f.properties, record: null, problem: null });
  }
  return [...seen.values()];
}

async function readRecord(hit, signal) {
  if (hit.id === null) return;
  try {
    hit.record = await get(`features/${encodeURIComponent(hit.name)}/${hit.id}`, signal);
  } catch (problem) {
    if (problem.name !== 'AbortError') hit.problem = problem;
  }
}

function panel(map, catalog, hits) {
  return h('div', null,
    hits.length > 1 && h('p', { class: 'note' }, t('feature.count', { n: hits.length })),
    hits.map((hit, i) => card(map, catalog, hit, i === 0)));
}

function card(map, catalog, hit, open) {
  const layer = layerOf(catalog, hit.name);
  const rows = { ...hit.properties, ...hit.record?.properties };
  for (const name of recordMembers) if (hit.record?.[name] != null && rows[name] == null) rows[name] = hit.record[name];
  const names = Object.keys(rows).filter((n) => rows[n] !== null && rows[n] !== '' && n !== 'id').sort(fieldOrder);
  return h('details', { class: 'feature', open, 'data-testid': `feature-${hit.name}` },
    h('summary', null, swatch(entryOf(layer, rows)), h('strong', null, pick(layer.title)), h('span', { class: 'feature-key' }, keyOf(rows))),
    hit.id === null && h('p', { class: 'note' }, t('feature.merged')),
    names.length === 0 && h('p', { class: 'note' }, t('feature.none')),
    h('table', { class: 'fields' }, h('tbody', null, names.map((name) => fieldRow(name, rows[name])))),
    hit.problem && hit.problem.status !== 404 && problemBox(hit.problem),
    h('div', { class: 'feature-foot' },
      h('span', null, hit.id === null ? '' : `${t('feature.id')} ${hit.id}`),
      hit.record?.geometry && h('button', { type: 'button', onclick: () => { setShape(map, 'selected', hit.record.geometry); fit(map, extentOf(hit.record.geometry)); } }, t('feature.zoom'))));
}

function fieldRow(name, value) {
  const title = fieldTitle(name, lang());
  const numeric = ['area', 'mu', 'ha', 'count'].includes(fieldKind(name));
  return h('tr', { 'data-field': name },
    h('th', { scope: 'row' }, title || name, title && h('code', null, name)),
    h('td', { class: numeric ? 'number' : '' }, fieldText(name, value)));
}

// keyOf is the text by which a person tells one feature from another.
const keyOf = (rows) => String(rows.DLMC ?? rows.XMMC ?? rows.XZQMC ?? rows.TBBH ?? '');

// entryOf is the legend entry of a feature's class, or the layer's first.
const entryOf = (layer, rows) => layer.entries.find((e) => e.value && Object.values(rows).includes(e.value)) ?? layer.entries[0];

function extentOf(geometry) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const walk = (c) => {
    if (typeof c[0] !== 'number') { c.forEach(walk); return; }
    box[0] = Math.min(box[0], c[0]); box[1] = Math.min(box[1], c[1]);
    box[2] = Math.max(box[2], c[0]); box[3] = Math.max(box[3], c[1]);
  };
  walk(geometry.coordinates);
  return box;
}
