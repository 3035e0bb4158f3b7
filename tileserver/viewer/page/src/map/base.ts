// The map under the layers: one of the base maps that the catalogue names, or none. Who
// serves one sees where people look, so none is shown before it is chosen.

import type { Map as GLMap } from 'maplibre-gl';
import type { BaseMap, Catalog } from '../core/catalog';
import { $, h } from '../core/dom';
import { onLang, t } from '../core/i18n';

// baseId is what the source and the layer of a base map are called in the map.
export const baseId = 'gengtu-base';

// createBase offers the base maps in the map's own grid, at the foot of the card of
// layers; changed runs after each choice.
export function createBase(map: GLMap, catalog: Catalog, changed: () => void): void {
  const bases = catalog.baseMaps.filter((b) => b.grid === 'w');
  if (!bases.length) return;
  const label = h('span');
  const none = h('option', { value: '' });
  const choice: HTMLSelectElement = h('select', { 'data-testid': 'base', onchange: () => { show(map, bases[Number(choice.value || NaN)]); changed(); } },
    none, ...bases.map((b, i) => h('option', { value: String(i) }, b.title || b.name)));
  $('layers').append(h('label', { class: 'base' }, label, choice));
  onLang(() => { label.textContent = t('base.title'); none.textContent = t('base.none'); });
}

// show puts a base map under all that is drawn, in place of the one before; undefined
// takes it away.
function show(map: GLMap, base: BaseMap | undefined): void {
  if (map.getLayer(baseId)) {
    map.removeLayer(baseId);
    map.removeSource(baseId);
  }
  if (!base) return;
  map.addSource(baseId, { type: 'raster', tiles: [base.tiles], tileSize: 256, minzoom: base.minzoom, maxzoom: base.maxzoom, attribution: base.attribution ?? '' });
  map.addLayer({ id: baseId, type: 'raster', source: baseId }, map.getStyle().layers.find((l) => l.type !== 'background')?.id);
}
