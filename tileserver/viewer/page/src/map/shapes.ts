// What the page itself draws above the tier's layers: the measured area, the selected
// feature, and what is being drawn.

import type { Map as GLMap } from 'maplibre-gl';

// shapes, the lowest first. Each has the source gengtu-NAME and layers of that name.
export const shapes = ['selected', 'aoi'] as const;

const ink = { aoi: '#1550b0', selected: '#b3261e' };
const empty = { type: 'FeatureCollection' as const, features: [] };

// addShapes adds the sources and layers of the page's own shapes; nothing where the map
// has them. Their data does not outlive a change of the map's style.
export function addShapes(map: GLMap): void {
  if (map.getSource('gengtu-draw')) return;
  for (const name of shapes) {
    map.addSource(`gengtu-${name}`, { type: 'geojson', data: empty });
    map.addLayer({ id: `gengtu-${name}-fill`, type: 'fill', source: `gengtu-${name}`, paint: { 'fill-color': ink[name], 'fill-opacity': 0.1 } });
    map.addLayer({ id: `gengtu-${name}-case`, type: 'line', source: `gengtu-${name}`, layout: { 'line-join': 'round' }, paint: { 'line-color': '#ffffff', 'line-width': 4.5, 'line-opacity': 0.85 } });
    map.addLayer({ id: `gengtu-${name}-line`, type: 'line', source: `gengtu-${name}`, layout: { 'line-join': 'round' }, paint: { 'line-color': ink[name], 'line-width': 2 } });
  }
  map.addSource('gengtu-draw', { type: 'geojson', data: empty });
  map.addLayer({ id: 'gengtu-draw-fill', type: 'fill', source: 'gengtu-draw', filter: ['==', ['get', 'part'], 'area'], paint: { 'fill-color': ink.aoi, 'fill-opacity': 0.1 } });
  map.addLayer({ id: 'gengtu-draw-case', type: 'line', source: 'gengtu-draw', filter: ['==', ['get', 'part'], 'edge'], paint: { 'line-color': '#ffffff', 'line-width': 4.5, 'line-opacity': 0.85 } });
  map.addLayer({ id: 'gengtu-draw-line', type: 'line', source: 'gengtu-draw', filter: ['==', ['get', 'part'], 'edge'], paint: { 'line-color': ink.aoi, 'line-width': 2, 'line-dasharray': [2, 1.2] } });
  map.addLayer({ id: 'gengtu-draw-point', type: 'circle', source: 'gengtu-draw', filter: ['==', ['geometry-type'], 'Point'], paint: { 'circle-radius': ['case', ['get', 'first'], 6, 4.5], 'circle-color': '#ffffff', 'circle-stroke-color': ink.aoi, 'circle-stroke-width': 2 } });
}
