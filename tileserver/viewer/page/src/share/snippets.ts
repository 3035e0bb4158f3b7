// Code to paste, for scripts that have a library under its usual name. Each shows the tier's
// layers on a page that has an element #map, or adds them to the map of such a script.

import type { Choice, Look } from './choice';

// q writes text as a JavaScript literal.
const q = (text: string): string => `'${text.replace(/\\/g, '\\\\').replace(/'/g, '\\\'').replace(/\n/g, '\\n')}'`;

const lonLat = ([lon, lat]: readonly number[]): string => `[${(lon ?? 0).toFixed(5)}, ${(lat ?? 0).toFixed(5)}]`;

export const maplibreStyle = (c: Choice, style: string): string => `const map = new maplibregl.Map({
  container: 'map',
  style: ${q(style)},
  center: ${lonLat(c.centre)},
  zoom: ${c.zoom},
});
`;

// looks are how code that draws vector tiles draws the layers: as their legends have them.
const looks = (c: Choice): [name: string, look: Look][] => c.names.map((name) => [name, c.looks[name] ?? { fill: '#6fae73', opacity: 0.5, line: '#4c5954' }]);

// maplibreSource adds the tiles to a map that is there, a fill and a line a layer; layers that
// are outlines alone have no fill.
export const maplibreSource = (c: Choice, tilejson: string): string => `map.addSource('gengtu', { type: 'vector', url: ${q(tilejson)} });
${looks(c).map(([name, look]) => `${look.opacity > 0 ? `map.addLayer({
  id: ${q(`gengtu-${name}`)}, type: 'fill', source: 'gengtu', 'source-layer': ${q(name)},
  paint: { 'fill-color': ${q(look.fill)}, 'fill-opacity': ${look.opacity} },
});
` : ''}map.addLayer({
  id: ${q(`gengtu-${name}-line`)}, type: 'line', source: 'gengtu', 'source-layer': ${q(name)},
  paint: { 'line-color': ${q(look.line)}, 'line-width': 1 },
});
`).join('')}`;

export const maplibreRaster = (template: string, c: Choice): string => `map.addSource('gengtu-png', { type: 'raster', tileSize: 256, maxzoom: ${c.maxzoom}, tiles: [${q(template)}] });
map.addLayer({ id: 'gengtu-png', type: 'raster', source: 'gengtu-png' });
`;

// cgcs gives OpenLayers the system of grid c, which it does not know. Without metersPerUnit
// and neu nothing is drawn where it belongs.
const cgcs = `const cgcs = new ol.proj.Projection({
  code: 'EPSG:4490', units: 'degrees', axisOrientation: 'neu', global: true,
  extent: [-180, -90, 180, 90], metersPerUnit: Math.PI * 6378137 / 180,
});
ol.proj.addProjection(cgcs);
`;

// gridOf is grid c for OpenLayers, to the deepest level that the tier serves.
const gridOf = (c: Choice): string => `const tileGrid = new ol.tilegrid.TileGrid({
  origin: [-180, 90], tileSize: 256, minZoom: 1,
  resolutions: Array.from({ length: ${c.maxzoom + 1} }, (_, z) => 360 / 256 / 2 ** z),
});
`;

// openlayersMap is OpenLayers' map; a zoom of its is one of 256-pixel tiles.
const openlayersMap = (c: Choice, layer: string): string => `const map = new ol.Map({
  target: 'map', layers: [${layer}],
  view: new ol.View({ ${c.grid === 'c' ? `projection: cgcs, center: ${lonLat(c.centre)}, resolution: 360 / 256 / 2 ** ${c.zoom + 1}` : `center: ol.proj.fromLonLat(${lonLat(c.centre)}), zoom: ${c.zoom + 1}`} }),
});
`;

export const openlayersPicture = (c: Choice, template: string): string => (c.grid === 'c'
  ? `${cgcs}${gridOf(c)}const layer = new ol.layer.Tile({
  source: new ol.source.TileImage({ url: ${q(template)}, projection: cgcs, tileGrid }),
});
` : `const layer = new ol.layer.Tile({
  source: new ol.source.XYZ({ url: ${q(template)}, maxZoom: ${c.maxzoom} }),
});
`) + openlayersMap(c, 'layer');

// transparent writes a colour, #rrggbb, with an opacity.
const transparent = (colour: string, opacity: number): string => `rgba(${[1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16)).join(', ')}, ${opacity})`;

// openlayersLooks says how layers look: OpenLayers' own style is white, which nobody sees.
const openlayersLooks = (c: Choice): string => `const look = (fill, line) => new ol.style.Style({ fill: new ol.style.Fill({ color: fill }), stroke: new ol.style.Stroke({ color: line, width: 1 }) });
const looks = {
${looks(c).map(([name, look]) => `  ${q(name)}: look(${q(transparent(look.fill, look.opacity))}, ${q(look.line)}),\n`).join('')}};
`;

export const openlayersVector = (c: Choice, template: string): string => (c.grid === 'c'
  ? `${cgcs}${gridOf(c)}${openlayersLooks(c)}const layer = new ol.layer.VectorTile({
  source: new ol.source.VectorTile({ format: new ol.format.MVT(), url: ${q(template)}, projection: cgcs, tileGrid }),
  style: (feature) => looks[feature.get('layer')],
});
` : `${openlayersLooks(c)}const layer = new ol.layer.VectorTile({
  source: new ol.source.VectorTile({ format: new ol.format.MVT(), url: ${q(template)}, maxZoom: ${c.maxzoom} }),
  style: (feature) => looks[feature.get('layer')],
});
`) + openlayersMap(c, 'layer');

export const openlayersWMTS = (c: Choice, capabilities: string): string => `${c.grid === 'c' ? cgcs : ''}fetch(${q(capabilities)}).then((answer) => answer.text()).then((text) => {
  const options = ol.source.WMTS.optionsFromCapabilities(new ol.format.WMTSCapabilities().read(text), { layer: ${q(c.names[0] ?? '')}, matrixSet: ${q(c.grid)} });
  const layer = new ol.layer.Tile({ source: new ol.source.WMTS(options) });
${openlayersMap(c, 'layer').replace(/^(?=.)/gm, '  ')}});
`;

// leaflet: its zoom 0 of EPSG:4326 is level 1 of grid c.
export const leaflet = (c: Choice, template: string): string => (c.grid === 'c'
  ? `const map = L.map('map', { crs: L.CRS.EPSG4326 }).setView([${c.centre[1].toFixed(5)}, ${c.centre[0].toFixed(5)}], ${c.zoom});
L.tileLayer(${q(template)}, { zoomOffset: 1, maxNativeZoom: ${c.maxzoom - 1}, maxZoom: ${c.maxzoom - 1} }).addTo(map);
` : `const map = L.map('map').setView([${c.centre[1].toFixed(5)}, ${c.centre[0].toFixed(5)}], ${c.zoom + 1});
L.tileLayer(${q(template)}, { maxZoom: ${c.maxzoom} }).addTo(map);
`);

// cesium: level 0 of its geographic scheme is level 1 of grid c.
const scheme = (c: Choice): [scheme: string, first: number] => (c.grid === 'c' ? ['new Cesium.GeographicTilingScheme()', 1] : ['new Cesium.WebMercatorTilingScheme()', 0]);

// Its choice of base maps and its search ask Cesium's own server, also where there is none.
const cesiumMap = (c: Choice, provider: string): string => `const viewer = new Cesium.Viewer('map', { baseLayer: false, baseLayerPicker: false, geocoder: false });
viewer.imageryLayers.addImageryProvider(${provider});
viewer.camera.setView({ destination: Cesium.Cartesian3.fromDegrees(${c.centre[0].toFixed(5)}, ${c.centre[1].toFixed(5)}, ${Math.round(60_000_000 / 2 ** c.zoom)}) });
`;

export function cesiumPicture(c: Choice, template: string): string {
  const [tiling, first] = scheme(c);
  return `const provider = new Cesium.UrlTemplateImageryProvider({
  url: ${q(template)}, tilingScheme: ${tiling}, maximumLevel: ${c.maxzoom - first},
  customTags: { level: (provider, x, y, level) => String(level + ${first}) },
});
${cesiumMap(c, 'provider')}`;
}

export function cesiumWMTS(c: Choice, service: string): string {
  const [tiling, first] = scheme(c);
  return `const provider = new Cesium.WebMapTileServiceImageryProvider({
  url: ${q(service)}, layer: ${q(c.names[0] ?? '')}, style: 'default', format: 'image/png',
  tileMatrixSetID: ${q(c.grid)}, tilingScheme: ${tiling}, maximumLevel: ${c.maxzoom - first},
  tileMatrixLabels: Array.from({ length: ${c.maxzoom + 1 - first} }, (_, i) => String(i + ${first})),
});
${cesiumMap(c, 'provider')}`;
}

// parameters are what ArcGIS adds to each request, rather than to the address of a service.
const parameters = (c: Choice): string => {
  const list = [c.vintage && `vintage: ${q(c.vintage)}`, c.token && `tk: ${q(c.token)}`].filter(Boolean);
  return list.length ? `, customParameters: { ${list.join(', ')} }` : '';
};

const arcgisView = (c: Choice): string => `  const view = new MapView({ container: 'map', map: new Map({ layers: [layer] }), spatialReference: { wkid: ${c.grid === 'c' ? 4490 : 102100} } });
  layer.when(() => view.goTo(layer.fullExtent));
});
`;

export const arcgisTile = (c: Choice, service: string): string => `require(['esri/Map', 'esri/views/MapView', 'esri/layers/TileLayer'], (Map, MapView, TileLayer) => {
  const layer = new TileLayer({ url: ${q(service)}${parameters(c)} });
${arcgisView(c)}`;

export const arcgisWMTS = (c: Choice, service: string): string => `require(['esri/Map', 'esri/views/MapView', 'esri/layers/WMTSLayer'], (Map, MapView, WMTSLayer) => {
  const layer = new WMTSLayer({ url: ${q(service)}, activeLayer: { id: ${q(c.names[0] ?? '')}, tileMatrixSetId: ${q(c.grid)} }${parameters(c)} });
${arcgisView(c)}`;
