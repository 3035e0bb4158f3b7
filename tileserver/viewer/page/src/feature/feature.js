// A click on the map: the features under it, with the fields of their tile at
// once, and the whole record when the server has given it.

import { get } from '../core/api';
import { layerOf } from '../core/catalog';
import { h, swatch } from '../core/dom';
import { fieldKind, fieldOrder, fieldTitle } from '../core/fields';
import { fieldText } from '../core/format';
import { lang, onLang, pick, t } from '../core/i18n';
import { extentOf } from '../core/geometry';
import { fit, setShape, uncover } from '../map/map';
import { createCard } from '../shell/cards';
import { problemBox } from '../shell/messages';

// recordMembers are members of an answered feature that are shown like fields.
const recordMembers = ['vintage', 'area_m2', 'area_mu', 'area_ha', 'patch_m2', 'net_m2', 'net_mu'];

// installFeature wires clicks on the map.
export function installFeature(app) {
  const { map, catalog } = app;
  const card = createCard('feature', 'side.feature');
  let hits = [];
  let request = null;

  const clear = () => { request?.abort(); hits = []; setShape(map, 'selected', null); };
  const render = () => (hits.length ? panel(map, catalog, hits) : null);

  map.on('click', async (e) => {
    if (app.drawing()) { card.close(); return; }
    clear();
    hits = found(map, app.layers.list, e.point);
    if (!hits.length) { card.close(); return; }
    card.open(render(), clear);
    uncover(map, e.point);
    const mine = new AbortController();
    request = mine;
    await Promise.all(hits.map((hit) => readRecord(hit, mine.signal)));
    if (mine.signal.aborted) return;
    const whole = hits.find((hit) => hit.record?.geometry)?.record.geometry;
    setShape(map, 'selected', whole ?? null);
    card.fill(render());
  });
  onLang(() => { const content = render(); if (content) card.fill(content); });
}

// found returns the features at a point, the topmost layer first and places last
// (they lie under every point), one entry a feature: {name, id, properties,
// record, problem}.
function found(map, layers, point) {
  const owner = new Map(layers.flatMap((l) => l.styleLayers.filter((s) => s.type === 'fill').map((s) => [s.id, l.name])));
  const seen = new Map();
  for (const f of map.queryRenderedFeatures(point, { layers: [...owner.keys()] })) {
    const name = owner.get(f.layer.id);
    const key = `${name} ${f.id ?? JSON.stringify(f.properties)}`;
    if (!seen.has(key)) seen.set(key, { name, id: f.id || null, properties: f.properties, record: null, problem: null });
  }
  return [...seen.values()].sort((a, b) => (a.name === 'region') - (b.name === 'region'));
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
    hits.map((hit) => hitBox(map, catalog, hit, hit.name !== 'region' || hits.length === 1)));
}

function hitBox(map, catalog, hit, open) {
  const layer = layerOf(catalog, hit.name);
  const rows = { ...hit.properties, ...hit.record?.properties };
  for (const name of recordMembers) if (hit.record?.[name] != null && rows[name] == null) rows[name] = hit.record[name];
  const names = Object.keys(rows).filter((n) => rows[n] !== null && rows[n] !== '' && n !== 'id').sort(fieldOrder);
  return h('details', { class: 'feature', open, 'data-testid': `feature-${hit.name}` },
    h('summary', null, swatch(entryOf(layer, rows)), h('strong', null, pick(layer.title)), h('span', { class: 'feature-key' }, keyOf(rows))),
    hit.id === null && h('p', { class: 'note' }, t('feature.merged')),
    names.length === 0 && h('p', { class: 'note' }, t('feature.none')),
    h('table', { class: 'fields' }, h('tbody', null, names.map((name) => fieldRow(layer, name, rows[name])))),
    hit.problem && hit.problem.status !== 404 && problemBox(hit.problem),
    h('div', { class: 'feature-foot' },
      h('span', null, hit.id === null ? '' : `${t('feature.id')} ${hit.id}`),
      hit.record?.geometry && h('button', { type: 'button', onclick: () => { setShape(map, 'selected', hit.record.geometry); fit(map, extentOf(hit.record.geometry)); } }, t('feature.zoom'))));
}

function fieldRow(layer, name, value) {
  const title = fieldTitle(name, lang()) || layer.fields.get(name);
  const numeric = ['area', 'mu', 'ha', 'count'].includes(fieldKind(name));
  return h('tr', { 'data-field': name },
    h('th', { scope: 'row' }, title || name, title && h('code', null, name)),
    h('td', { class: numeric ? 'number' : '' }, fieldText(name, value)));
}

// keyOf is the text by which a person tells one feature from another.
const keyOf = (rows) => String(rows.DLMC ?? rows.XMMC ?? rows.XZQMC ?? rows.TBBH ?? '');

// entryOf is the legend entry of a feature's class: the one with the longest
// value that its class code begins with, else the layer's last, which is for all
// others.
function entryOf(layer, rows) {
  const code = String(rows.DLBM ?? rows.class ?? '');
  const fitting = layer.entries.filter((e) => e.value && code.startsWith(e.value));
  return fitting.sort((a, b) => b.value.length - a.value.length)[0] ?? layer.entries.at(-1);
}
