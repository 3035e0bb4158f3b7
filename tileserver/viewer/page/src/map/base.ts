// The map under the layers: one of the base maps that the catalogue names, or none. Who
// serves one sees where people look, so none is shown before it is chosen. The server
// fetches them: the page asks no other host.

import type { Map as GLMap } from 'maplibre-gl';
import type { BaseMap, Catalog } from '../core/catalog';
import { $, h } from '../core/dom';
import { onLang, t } from '../core/i18n';
import { linkPart, writeLink } from '../core/link';
import { toast, toastGone } from '../shell/messages';

// baseId is what the source and the layer of a base map are called in the map.
export const baseId = 'gengtu-base';

// drawable tells whether this map, in Web Mercator, can draw a base map: grid c is in degrees.
const drawable = (b: BaseMap): boolean => b.grid === 'w';

const nameOf = (b: BaseMap): string => b.title || b.name;

// createBase offers the base maps at the foot of the card of layers; changed runs after each
// choice.
export function createBase(map: GLMap, catalog: Catalog, changed: () => void): void {
  const bases = catalog.baseMaps;
  let shown: BaseMap | undefined;
  let told: BaseMap | undefined; // whose failure has been said
  const choose = (base: BaseMap | undefined) => {
    if (base === shown) return;
    shown = base;
    told = undefined;
    show(map, base);
    changed();
    writeLink();
  };
  const choice = bases.length ? createChoice(bases, choose) : undefined;
  map.on('error', (e) => {
    if (!isBaseError(e) || !shown || told === shown) return;
    told = shown;
    toast(t('base.failed', { title: nameOf(shown) }));
  });
  linkPart({
    key: 'base',
    write: () => (shown ? encodeURIComponent(shown.name) : null),
    read: (text) => {
      const base = bases.find((b) => b.name === text && drawable(b));
      if (text && !base) toastGone(t('base.gone', { name: text }));
      choose(base);
      if (choice) choice.value = base?.name ?? '';
    },
  });
}

// createChoice is the list to choose from. Those that the page cannot draw stand in it, too,
// and say why.
function createChoice(bases: BaseMap[], choose: (base: BaseMap | undefined) => void): HTMLSelectElement {
  const label = h('span');
  const choice: HTMLSelectElement = h('select', { 'data-testid': 'base', onchange: () => choose(bases.find((b) => b.name === choice.value)) });
  const note = h('p', { class: 'base-note', 'data-testid': 'base-note', hidden: bases.some(drawable) });
  $('layers').append(h('label', { class: 'base' }, label, choice), note);
  onLang(() => {
    const { value } = choice;
    label.textContent = t('base.title');
    note.textContent = t('base.only');
    choice.replaceChildren(h('option', { value: '' }, t('base.none')), ...bases.map((b) => h('option', { value: b.name, disabled: !drawable(b) }, drawable(b) ? nameOf(b) : t('base.grid', { title: nameOf(b) }))));
    choice.value = value;
  });
  return choice;
}

// isBaseError tells whether an error of the map is one of the base map's tiles.
export const isBaseError = (event: object): boolean => 'sourceId' in event && event.sourceId === baseId;

// show puts a base map under all that is drawn, in place of the one before; undefined
// takes it away.
function show(map: GLMap, base: BaseMap | undefined): void {
  if (map.getLayer(baseId)) {
    map.removeLayer(baseId);
    map.removeSource(baseId);
  }
  if (!base) return;
  map.addSource(baseId, { type: 'raster', tiles: [base.tiles], tileSize: 256, minzoom: base.minzoom, maxzoom: base.maxzoom, attribution: base.attribution ?? '' });
  map.addLayer({ id: baseId, type: 'raster', source: baseId }, map.getLayersOrder().find((id) => map.getLayer(id)?.type !== 'background'));
}
