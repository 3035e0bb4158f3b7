// A click on the map: the features under it, with the fields of their tile at
// once, and the whole record when the server has given it.

import type { Feature, Geometry } from 'geojson';
import type { Map as GLMap } from 'maplibre-gl';
import type { App } from '../app';
import { aborted, asProblem, get, type Problem } from '../core/api';
import { layerOf, type Catalog, type Entry, type Layer } from '../core/catalog';
import { h, swatch } from '../core/dom';
import { fieldKind, fieldOrder, fieldTitle } from '../core/fields';
import { fieldText } from '../core/format';
import { extentOf } from '../core/geometry';
import { lang, onLang, pick, t } from '../core/i18n';
import type { Shown } from '../map/layers';
import { fit, reveal, setShape, uncover } from '../map/map';
import { createCard } from '../shell/cards';
import { problemBox } from '../shell/messages';

type Rows = Record<string, unknown>;
type FeatureRecord = Feature<Geometry | null, Rows | null> & Rows;

// Hit is a feature that the panel shows; id is null where shapes are merged.
interface Hit { name: string; id: string | number | null; properties: Rows; record: FeatureRecord | null; problem: Problem | null }

// recordMembers are members of an answered feature that are shown like fields.
const recordMembers = ['vintage', 'area_m2', 'area_mu', 'area_ha', 'patch_m2', 'net_m2', 'net_mu'];

// installFeature wires clicks on the map, and app.show.
export function installFeature(app: App): void {
  const { map, catalog } = app;
  const card = createCard('feature', 'side.feature');
  let hits: Hit[] = [];
  let request: AbortController | null = null;

  const clear = () => { request?.abort(); hits = []; setShape(map, 'selected', null); };
  const render = () => (hits.length ? panel(map, catalog, hits) : null);
  // read shows hits as they are and again with their records; it returns the first shape.
  const read = async (next: Hit[]): Promise<Geometry | null> => {
    hits = next;
    card.open(render(), clear);
    const mine = new AbortController();
    request = mine;
    await Promise.all(next.map((hit) => readRecord(hit, mine.signal)));
    if (mine.signal.aborted) return null;
    const whole = next.find((hit) => hit.record?.geometry)?.record?.geometry ?? null;
    setShape(map, 'selected', whole);
    card.fill(render());
    return whole;
  };

  app.show = async (features) => {
    clear();
    const whole = await read(features.map(({ layer, id }) => ({ name: layer, id, properties: {}, record: null, problem: null })));
    if (!whole) return;
    const seen = map.getZoom() >= 15;
    if (seen && map.getBounds().contains(middle(whole))) reveal(map, extentOf(whole));
    else fit(map, extentOf(whole));
  };
  map.on('click', (e) => {
    if (app.drawing()) { card.close(); return; }
    clear();
    const under = found(map, app.layers.list, e.point);
    if (!under.length) { card.close(); return; }
    void read(under);
    uncover(map, e.point);
  });
  onLang(() => { const content = render(); if (content) card.fill(content); });
}

function middle(geometry: Geometry): [number, number] {
  const [w, s, e, n] = extentOf(geometry);
  return [(w + e) / 2, (s + n) / 2];
}

// found returns the features at a point, the topmost layer first and places last
// (they lie under every point), one entry a feature.
function found(map: GLMap, layers: readonly Shown[], point: { x: number; y: number }): Hit[] {
  const owner = new Map(layers.flatMap((l) => l.styleLayers.filter((s) => s.type === 'fill').map((s) => [s.id, l.name] as const)));
  const seen = new Map<string, Hit>();
  for (const f of map.queryRenderedFeatures([point.x, point.y], { layers: [...owner.keys()] })) {
    const name = owner.get(f.layer.id) ?? '';
    const key = `${name} ${f.id ?? JSON.stringify(f.properties)}`;
    if (!seen.has(key)) seen.set(key, { name, id: f.id || null, properties: f.properties, record: null, problem: null });
  }
  return [...seen.values()].sort((a, b) => Number(a.name === 'region') - Number(b.name === 'region'));
}

async function readRecord(hit: Hit, signal: AbortSignal): Promise<void> {
  if (hit.id === null) return;
  try {
    hit.record = await get<FeatureRecord>(`features/${encodeURIComponent(hit.name)}/${hit.id}`, signal);
  } catch (thrown) {
    if (!aborted(thrown)) hit.problem = asProblem(thrown);
  }
}

function panel(map: GLMap, catalog: Catalog, hits: Hit[]): HTMLElement {
  return h('div', null,
    hits.length > 1 && h('p', { class: 'note' }, t('feature.count', { n: hits.length })),
    hits.map((hit) => hitBox(map, catalog, hit, hit.name !== 'region' || hits.length === 1)));
}

function hitBox(map: GLMap, catalog: Catalog, hit: Hit, open: boolean): HTMLElement {
  const layer = layerOf(catalog, hit.name);
  const { record } = hit;
  const rows: Rows = { ...hit.properties, ...record?.properties };
  for (const name of recordMembers) if (record?.[name] != null && rows[name] == null) rows[name] = record[name];
  const names = Object.keys(rows).filter((n) => rows[n] !== null && rows[n] !== '' && n !== 'id').sort(fieldOrder);
  const shape = record?.geometry;
  return h('details', { class: 'feature', open, 'data-testid': `feature-${hit.name}` },
    h('summary', null, swatch(entryOf(layer, rows)), h('strong', null, pick(layer.title)), h('span', { class: 'feature-key' }, keyOf(rows))),
    hit.id === null && h('p', { class: 'note' }, t('feature.merged')),
    names.length === 0 && (record !== null || hit.id === null) && h('p', { class: 'note' }, t('feature.none')),
    h('table', { class: 'fields' }, h('tbody', null, names.map((name) => fieldRow(layer, name, rows[name])))),
    hit.problem && (hit.problem.status !== 404 || !names.length) && problemBox(hit.problem),
    h('div', { class: 'feature-foot' },
      h('span', null, hit.id === null ? '' : `${t('feature.id')} ${hit.id}`),
      shape && h('button', { type: 'button', onclick: () => { setShape(map, 'selected', shape); fit(map, extentOf(shape)); } }, t('feature.zoom'))));
}

function fieldRow(layer: Layer, name: string, value: unknown): HTMLElement {
  const title = fieldTitle(name, lang()) || pick(layer.fields.get(name));
  const numeric = ['area', 'mu', 'ha', 'count'].includes(fieldKind(name));
  return h('tr', { 'data-field': name },
    h('th', { scope: 'row' }, title || name, title && h('code', null, name)),
    h('td', { class: numeric ? 'number' : '' }, fieldText(name, value)));
}

// keyOf is the text by which a person tells one feature from another.
const keyOf = (rows: Rows): string => String(rows.DLMC ?? rows.XMMC ?? rows.XZQMC ?? rows.TBBH ?? '');

// entryOf is the legend entry of a feature's class: the one with the longest
// value that its class code begins with, else the layer's last, which is for all
// others.
function entryOf(layer: Layer, rows: Rows): Entry | undefined {
  const code = String(rows.DLBM ?? rows.class ?? '');
  const fitting = layer.entries.filter((e) => e.value && code.startsWith(e.value));
  return fitting.sort((a, b) => (b.value?.length ?? 0) - (a.value?.length ?? 0))[0] ?? layer.entries.at(-1);
}
