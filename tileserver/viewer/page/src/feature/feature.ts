// A click on the map: the features under it, with the fields of their tile at
// once, and the whole record when the server has given it. The room feature shows records as
// they are kept; it never measures one, and never says what the map is to draw of layers.

import type { LngLat } from 'maplibre-gl';
import type { Geometry } from 'geojson';
import type { App } from '../app';
import { aborted, asProblem, getOf, type Problem } from '../core/api';
import { layerOf, type Catalog, type Entry, type Layer } from '../core/catalog';
import { h, swatch } from '../core/dom';
import { fieldKind, fieldOrder, fieldTitle } from '../core/fields';
import { fieldText } from '../core/format';
import { lang, onLang, pick, t } from '../core/i18n';
import { extentOf } from '../core/geometry';
import type { Drawn } from '../map/drawn';
import { fit, looking, reveal, setShape, uncover } from '../map/map';
import { yearText } from '../map/year';
import { createCard } from '../shell/cards';
import { problemBox } from '../shell/messages';

type Rows = Record<string, unknown>;

// FeatureRecord is GET /{tier}/features/{layer}/{id}.
interface FeatureRecord extends Rows { geometry?: Geometry; properties?: Rows }

// Hit is a feature under a click: of a layer, with the fields of its tile, and its record or
// why it could not be had. A merged shape has no id.
interface Hit { name: string; id: string | number | null; properties: Rows; record: FeatureRecord | null; problem: Problem | null }

// recordMembers are members of an answered feature that are shown like fields.
const recordMembers = ['vintage', 'area_m2', 'area_mu', 'area_ha', 'patch_m2', 'net_m2', 'net_mu'];

// installFeature wires clicks on the map, and app.show. Where two years are compared, the side that was
// clicked answers; what is open follows the page's vintage.
export function installFeature(app: App): void {
  const { map } = app;
  const card = createCard('feature', 'side.feature');
  let [hits, of]: [Hit[], string] = [[], ''];
  let at: LngLat | null = null;
  let request: AbortController | null = null;

  const clear = () => { request?.abort(); [hits, at] = [[], null]; setShape(map, 'selected', null); };
  const render = () => panel(app, hits, of);
  // read shows next at once and again with their records, marks the first shape and returns
  // it; null where there is none, or something else was marked meanwhile.
  const read = async (next: Hit[], vintage: string): Promise<Geometry | null> => {
    [hits, of] = [next, vintage];
    card.open(render(), clear);
    const mine = new AbortController();
    const wanted = looking('selected');
    request = mine;
    if (app.may('features')) await Promise.all(next.map((hit) => readRecord(hit, vintage, mine.signal)));
    if (mine.signal.aborted) return null;
    card.fill(render());
    if (!wanted()) return null;
    const whole = next.find((hit) => hit.record?.geometry)?.record?.geometry ?? null;
    setShape(map, 'selected', whole);
    return whole;
  };
  const ask = (where: LngLat) => {
    clear();
    const point = map.project(where);
    const seen = app.seen(point);
    const under = found(seen, app, point);
    if (!under.length) { card.close(); return; }
    at = where;
    void read(under, seen.vintage());
    uncover(map, point);
  };

  app.show = async (features) => {
    clear();
    const whole = await read(features.map(({ layer, id }) => ({ name: layer, id, properties: {}, record: null, problem: null })), app.drawn.vintage());
    const box = whole && extentOf(whole);
    if (!box) return;
    const [w, south, e, n] = box;
    if (map.getZoom() >= 15 && map.getBounds().contains([(w + e) / 2, (south + n) / 2])) reveal(map, box);
    else fit(map, box);
  };
  map.on('click', (e) => {
    if (app.drawing()) card.close();
    else if (!e.defaultPrevented) ask(e.lngLat); // else it belongs to another room
  });
  app.drawn.turned(() => { if (at) ask(at); });
  onLang(() => { if (hits.length) card.fill(render()); });
}

// found returns the features at a pixel, the topmost layer first and places last (they
// lie under every point), one entry a feature.
function found(seen: Drawn, { layers }: App, point: { x: number; y: number }): Hit[] {
  const owner = new Map(layers.list.flatMap((l) => seen.styleLayers(l.name).filter((s) => s.type === 'fill').map((s) => [s.id, l.name])));
  const hits = new Map<string, Hit>();
  for (const f of seen.map.queryRenderedFeatures([point.x, point.y], { layers: [...owner.keys()] })) {
    const name = owner.get(f.layer.id) ?? '';
    const key = `${name} ${f.id ?? JSON.stringify(f.properties)}`;
    if (!hits.has(key)) hits.set(key, { name, id: f.id || null, properties: f.properties, record: null, problem: null });
  }
  return [...hits.values()].sort((a, b) => Number(a.name === 'region') - Number(b.name === 'region'));
}

async function readRecord(hit: Hit, of: string, signal: AbortSignal): Promise<void> {
  if (hit.id === null) return;
  try {
    hit.record = await getOf<FeatureRecord>(of, `features/${encodeURIComponent(hit.name)}/${hit.id}`, signal);
  } catch (thrown) {
    if (!aborted(thrown)) hit.problem = asProblem(thrown);
  }
}

// panel lists the hits; of is the vintage that they were asked in.
function panel(app: App, hits: Hit[], of: string): HTMLElement {
  return h('div', null,
    app.catalog.vintages.length > 1 && h('p', { class: 'note', 'data-testid': 'feature-vintage' }, t('feature.vintage', { vintage: yearText(of) })),
    hits.length > 1 && h('p', { class: 'note' }, t('feature.count', { n: hits.length })),
    hits.map((hit) => hitBox(app, hit, hit.name !== 'region' || hits.length === 1)));
}

function hitBox({ map, catalog }: { map: App['map']; catalog: Catalog }, hit: Hit, open: boolean): HTMLElement {
  const layer = layerOf(catalog, hit.name);
  const rows: Rows = { ...hit.properties, ...hit.record?.properties };
  for (const name of recordMembers) if (hit.record?.[name] != null && rows[name] == null) rows[name] = hit.record[name];
  const names = Object.keys(rows).filter((n) => rows[n] !== null && rows[n] !== '' && n !== 'id').sort(fieldOrder);
  const geometry = hit.record?.geometry;
  return h('details', { class: 'feature', open, 'data-testid': `feature-${hit.name}` },
    h('summary', null, swatch(entryOf(layer, rows)), h('strong', null, pick(layer.title)), h('span', { class: 'feature-key' }, keyOf(rows))),
    hit.id === null && h('p', { class: 'note' }, t('feature.merged')),
    names.length === 0 && h('p', { class: 'note' }, t('feature.none')),
    h('table', { class: 'fields' }, h('tbody', null, names.map((name) => fieldRow(layer, name, rows[name])))),
    hit.problem && hit.problem.status !== 404 && problemBox(hit.problem),
    h('div', { class: 'feature-foot' },
      h('span', null, hit.id === null ? '' : `${t('feature.id')} ${hit.id}`),
      geometry && h('button', { type: 'button', onclick: () => { setShape(map, 'selected', geometry); const box = extentOf(geometry); if (box) fit(map, box); } }, t('feature.zoom'))));
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
