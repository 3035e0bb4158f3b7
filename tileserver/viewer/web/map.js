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
    attributionControl: false,
    localIdeographFontFamily: ideographs,
    dragRotate: false, pitchWithRotate: false, touchPitch: false, maxPitch: 0, maxZoom: 20, fadeDuration: 150,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  await new Promise((resolve) => map.once('load', resolve));
  addOwnLayers(map);
  return map;
}

// attributions returns what the style says of the map's producer and approval,
// as text; the line at the foot shows it in MapLibre's place.
export function attributions(map) {
  const { sources, metadata } = map.getStyle();
  const text = (html) => new DOMParser().parseFromString(html, 'text/html').body.textContent.trim();
  const parts = Object.values(sources).flatMap((s) => (s.attribution ? text(s.attribution).split(' | ') : []));
  return { approval: metadata?.['gengtu:approval'] ?? '', parts: [...new Set(parts)] };
}

// fit shows an extent beside the panels that are open.
export function fit(map, [minLon, minLat, maxLon, maxLat]) {
  map.fitBounds([[minLon, minLat], [maxLon, maxLat]], { padding: margins(), maxZoom: 17, duration: 500 });
}

// reveal moves the map, and zooms out if it must, when an extent is partly
// covered by a card or outside the window; an extent in plain sight stays.
export function reveal(map, [minLon, minLat, maxLon, maxLat]) {
  const padding = margins();
  const [a, b] = [map.project([minLon, maxLat]), map.project([maxLon, minLat])];
  const { clientWidth, clientHeight } = map.getContainer();
  const seen = a.x >= padding.left && a.y >= padding.top && b.x <= clientWidth - padding.right && b.y <= clientHeight - padding.bottom;
  if (seen) return;
  const camera = map.cameraForBounds([[minLon, minLat], [maxLon, maxLat]], { padding, maxZoom: map.getZoom() });
  if (camera) map.easeTo({ ...camera, duration: 400 });
}

// uncover moves the map, at its zoom, when a pixel of it lies under the card of
// results.
export function uncover(map, point) {
  const padding = margins();
  const { clientWidth, clientHeight } = map.getContainer();
  const [dx, dy] = narrow() ? [0, point.y - (clientHeight - padding.bottom)] : [point.x - (clientWidth - padding.right), 0];
  if (dx > 0 || dy > 0) map.panBy([dx, dy], { duration: 300 });
}

// extentOf returns the box of a GeoJSON geometry's positions.
export function extentOf(geometry) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const walk = (c) => {
    if (typeof c[0] !== 'number') { c.forEach(walk); return; }
    box[0] = Math.min(box[0], c[0]); box[1] = Math.min(box[1], c[1]);
    box[2] = Math.max(box[2], c[0]); box[3] = Math.max(box[3], c[1]);
  };
  walk(geometry.coordinates);
  return box;
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

// narrow tells whether the page is laid out for a phone; as in the style sheets.
export const narrow = () => window.innerWidth < 720;

// margins keeps the extent clear of the cards that cover the map.
function margins() {
  const shown = (id) => !document.getElementById(id).hidden;
  if (narrow()) return { top: 24, right: 60, left: 24, bottom: shown('side') || shown('layers') ? Math.round(window.innerHeight * 0.5) : 24 };
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
