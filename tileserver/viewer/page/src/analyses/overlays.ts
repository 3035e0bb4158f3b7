// The layers of answers on the map: drawn by the server's style for each in a colour of its
// own, listed under the legend with a switch, and in the answer.

import type { ExpressionSpecification, LayerSpecification, Map as GLMap, StyleSpecification } from 'maplibre-gl';
import type { App } from '../app';
import { asProblem, tierURL } from '../core/api';
import { $, h, icon, swatch } from '../core/dom';
import { count } from '../core/format';
import type { Extent } from '../core/geometry';
import { onLang, pick, t } from '../core/i18n';
import { json, type Job, type MadeLayer } from '../jobs/answers';
import { absolute, fit } from '../map/map';
import { toastProblem } from '../shell/messages';

// colours are those of the layers, in the order in which they are put on the map.
const colours = ['#c2410c', '#6d28d9', '#0e7490', '#be185d', '#4d7c0f', '#1d4ed8'];

// fillOpacity lets what lies below be read.
const fillOpacity = 0.45;

// first is the lowest of the page's own shapes, below which answers lie.
const first = 'gengtu-selected-fill';

interface Put { job: string; layer: MadeLayer; colour: string; on: boolean; style: StyleSpecification; ids: string[]; extent: Extent | null }

export interface Overlays {
  // put draws a layer of a job, if it is not there and the job is not removed meanwhile; it
  // throws a Problem.
  put(job: Job, layer: MadeLayer): Promise<void>;
  // rows are the lines of the layers of a job, for its answer.
  rows(job: Job): HTMLElement;
  removeJob(id: string): void;
  // at is the piece under a pixel of the map: its row, from 0.
  at(point: { x: number; y: number }): { job: string; layer: string; row: number } | null;
}

// createOverlays keeps what was put on the map, also when its style is another.
export function createOverlays({ map }: App): Overlays {
  const all = new Map<string, Put>();
  const removals = new Map<string, number>(); // how often a job was removed: what was read before it is not put
  const lists = new Map<HTMLElement, Job | null>(); // a job's own list, or null for that of the legend
  const legend = h('div', { class: 'analyses-legend', 'data-testid': 'analyses-legend' });
  $('layer-list').after(legend);
  lists.set(legend, null);
  const draw = () => {
    for (const [box, job] of lists) {
      if (box !== legend && !box.isConnected) lists.delete(box);
      else box.replaceChildren(...(job ? ofJob(job) : ofLegend()));
    }
  };
  const remove = (name: string) => { const one = all.get(name); if (one) { take(map, one); all.delete(name); draw(); } };
  const row = (one: Put) => line(map, one, draw, () => remove(one.layer.name));
  const ofLegend = () => (all.size ? [h('h3', null, t('analyses.layers.legend')), h('ul', null, [...all.values()].map(row))] : []);
  const ofJob = (job: Job) => [h('ul', null, (job.layers_made ?? []).map((layer) => {
    const one = all.get(layer.name);
    return one ? row(one) : h('li', null, h('span', { class: 'layer-title' }, pick(layer.title)),
      h('button', { type: 'button', class: 'analyses-link', 'data-testid': `analyses-put-${layer.name}`, onclick: () => void overlays.put(job, layer).catch((thrown: unknown) => toastProblem(asProblem(thrown))) }, t('analyses.layer.put')));
  }))];
  const overlays: Overlays = {
    async put(job, layer) {
      if (all.has(layer.name)) return;
      const before = removals.get(job.id);
      const one = await read(job.id, layer);
      if (all.has(layer.name) || removals.get(job.id) !== before) return;
      one.colour = nextColour(all); // of those that are there now
      all.set(layer.name, one);
      add(map, one);
      draw();
    },
    rows(job) {
      const box = h('div');
      box.replaceChildren(...ofJob(job));
      lists.set(box, job);
      return box;
    },
    removeJob(id) {
      removals.set(id, (removals.get(id) ?? 0) + 1);
      for (const one of [...all.values()].filter((o) => o.job === id)) remove(one.layer.name);
    },
    at(point) {
      const layers = [...all.values()].filter((o) => o.on).flatMap((o) => o.ids).filter((id) => map.getLayer(id)?.type === 'fill');
      const hit = layers.length ? map.queryRenderedFeatures([point.x, point.y], { layers }).find((f) => typeof f.id === 'number') : undefined;
      const one = hit?.sourceLayer ? all.get(hit.sourceLayer) : undefined;
      return one && hit ? { job: one.job, layer: one.layer.name, row: Number(hit.id) - 1 } : null;
    },
  };
  map.on('style.load', () => { for (const one of all.values()) add(map, one); });
  onLang(draw);
  return overlays;
}

const nextColour = (all: Map<string, Put>): string => colours.find((c) => ![...all.values()].some((o) => o.colour === c)) ?? colours[all.size % colours.length] ?? '#c2410c';

// read gets the style of a layer of an answer.
async function read(job: string, layer: MadeLayer): Promise<Put> {
  const path = `style.json?layers=${encodeURIComponent(layer.name)}`;
  const style = absolute(await json<StyleSpecification>(path), tierURL(path));
  const extents = Object.values(style.sources).flatMap((s) => ('bounds' in s && s.bounds ? [s.bounds] : []));
  return { job, layer, colour: '', on: true, style, ids: [], extent: extents[0] ?? null };
}

// add draws a layer below the page's own shapes; nothing where it is there.
function add(map: GLMap, one: Put): void {
  const own = (id: string) => `${one.layer.name}/${id}`;
  for (const [id, source] of Object.entries(one.style.sources)) if (!map.getSource(own(id))) map.addSource(own(id), source);
  one.ids = [];
  for (const spec of one.style.layers) {
    if (spec.type !== 'fill' && spec.type !== 'line') continue;
    const id = own(spec.id);
    one.ids.push(id);
    if (!map.getLayer(id)) map.addLayer(coloured({ ...spec, id, source: own(spec.source) }, one.colour), map.getLayer(first) ? first : undefined);
  }
  show(map, one);
}

// coloured is a layer of the server's style in another colour.
function coloured(spec: LayerSpecification, colour: string): LayerSpecification {
  if (spec.type === 'fill') return { ...spec, paint: { ...spec.paint, 'fill-color': colour, 'fill-opacity': fillOpacity } };
  const darker: ExpressionSpecification = ['to-color', colour];
  return spec.type === 'line' ? { ...spec, paint: { ...spec.paint, 'line-color': darker } } : spec;
}

function show(map: GLMap, one: Put): void {
  for (const id of one.ids) if (map.getLayer(id)) map.setLayoutProperty(id, 'visibility', one.on ? 'visible' : 'none');
}

function take(map: GLMap, one: Put): void {
  for (const id of one.ids) if (map.getLayer(id)) map.removeLayer(id);
  for (const id of Object.keys(one.style.sources)) if (map.getSource(`${one.layer.name}/${id}`)) map.removeSource(`${one.layer.name}/${id}`);
}

// line is a layer that is on the map: its colour, its switch, and what takes it away.
function line(map: GLMap, one: Put, draw: () => void, remove: () => void): HTMLElement {
  const layer = pick(one.layer.title);
  const { extent } = one;
  const toggle = h('input', {
    type: 'checkbox', role: 'switch', class: 'switch', checked: one.on, 'data-testid': `analyses-toggle-${one.layer.name}`, 'aria-label': t('analyses.layer.show', { layer }),
    onchange: () => { one.on = toggle.checked; show(map, one); draw(); },
  });
  return h('li', { 'data-layer': one.layer.name }, swatch({ fill: one.colour, fill_opacity: fillOpacity, line: one.colour }),
    h('span', { class: 'layer-title' }, layer, h('small', null, t('analyses.layer.count', { n: count(one.layer.features) }))),
    extent && h('button', { type: 'button', class: 'plain', 'aria-label': t('analyses.layer.fit', { layer }), title: t('analyses.layer.fit', { layer }), onclick: () => fit(map, extent) }, icon('M5 9V5h4M15 5h4v4M19 15v4h-4M9 19H5v-4')),
    toggle,
    h('button', { type: 'button', class: 'plain', 'aria-label': t('analyses.layer.remove', { layer }), title: t('analyses.layer.remove', { layer }), 'data-testid': `analyses-remove-${one.layer.name}`, onclick: remove }, icon('m7 7 10 10M17 7 7 17')));
}
