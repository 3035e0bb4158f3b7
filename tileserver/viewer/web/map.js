// The map: MapLibre GL JS on the tier's style, with the shapes that the page
// itself draws (the measured area, the selected feature) above it.

import { Map as GLMap, setWorkerUrl } from './vendor/maplibre/maplibre-gl.mjs';
import { authorize, get, tierURL } from './api.js';
import { readLink } from './permalink.js';

setWorkerUrl(new URL('./vendor/maplibre/maplibre-gl-worker.mjs', import.meta.url).href);

const empty = { type: 'FeatureCollection', features: [] };
const ink = { aoi: '#1550b0', selected: '#b3261e' };

// ideographs are drawn with the reader's own fonts: no megabytes of glyphs.
const ideographs = '"PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC","Source Han Sans SC",sans-serif';

// createMap returns the map once its style is loaded; extent may be null.
export async function createMap(container, extent) {
  const style = absolute(await get('style.json'), tierURL('style.json'));
  const link = readLink();
  const view = link.zoom === undefined
    ? (extent ? { bounds: [[extent[0], extent[1]], [extent[2], extent[3]]], fitBoundsOptions: { padding: margins() } } : {})
    : { center: [link.lon, link.lat], zoom: link.zoom };
  const map = new GLMap({
    container, style, ...view,
    transformRequest: (url) => ({ url, headers: authorize(url), credentials: 'same-origin' }),
    attributionControl: Object.values(style.sources ?? {}).some((s) => s.attribution) ? { compact: true } : false,
    localIdeographFontFamily: ideographs,
    dragRotate: false, pitchWithRotate: false, touchPitch: false, maxPitch: 0, maxZoom: 20, fadeDuration: 150,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  await new Promise((resolve) => map.once('load', resolve));
  addOwnLayers(map);
  return map;
}

// fit shows an extent beside the panels that are open.
export function fit(map, [minLon, minLat, maxLon, maxLat]) {
  map.fitBounds([[minLon, minLat], [maxLon, maxLat]], { padding: margins(), maxZoom: 17, duration: 500 });
}

// setShape shows a GeoJSON geometry as 'aoi' or 'selected'; null takes it away.
export function setShape(map, name, geometry) {
  map.getSource(`gengtu-${name}`)?.setData(geometry ? { type: 'Feature', properties: {}, geometry } : empty);
}

// absolute returns a copy of style in which the addresses of sources, glyphs and
// sprites are absolute. {z} and the like stay as they are.
export function absolute(style, base) {
  const abs = (url) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(url)) return url;
    if (url.startsWith('/')) return new URL(base).origin + url;
    return base.slice(0, base.lastIndexOf('/') + 1) + url;
  };
  const copy = structuredClone(style);
  if (typeof copy.glyphs === 'string') copy.glyphs = abs(copy.glyphs);
  if (typeof copy.sprite === 'string') copy.sprite = abs(copy.sprite);
  for (const source of Object.values(copy.sources ?? {})) {
    if (source.url) source.url = abs(source.url);
    if (source.tiles) source.tiles = source.tiles.map(abs);
    if (typeof source.data === 'string') source.data = abs(source.data);
  }
  return copy;
}

// margins keeps the extent clear of the cards that cover the map.
function margins() {
  const narrow = window.innerWidth < 720;
  const shown = (id) => !document.getElementById(id).hidden;
  if (narrow) return { top: 24, right: 60, left: 24, bottom: shown('side') || shown('layers') ? Math.round(window.innerHeight * 0.5) : 24 };
  return { top: 32, bottom: 32, left: shown('layers') ? 376 : 88, right: shown('side') ? 464 : 40 };
}

function addOwnLayers(map) {
  for (const name of ['selected', 'aoi']) {
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
