// The addresses of the tier's services, written for the programs that show maps. What works
// with which program in which grid is what tileserver/CLIENTS.md tells.

import type { Key } from '../core/words';
import type { Choice } from './choice';
import * as code from './snippets';

// programs, in the order in which they are offered; address is for any.
export const programs = ['address', 'maplibre', 'openlayers', 'leaflet', 'cesium', 'qgis', 'supermap', 'arcgis'] as const;

export type Program = (typeof programs)[number];

// Address is one text to copy. type is the media type that the server answers an address
// with, '' for code; added is what the program itself puts behind it.
export interface Address { id: string; title: Key; note?: Key; text: string; type: string; added?: string }

// path is the layers as they stand in addresses.
export const path = (c: Choice): string => (c.group ? 'all' : c.names.map(encodeURIComponent).join(','));

// address returns the address of what lies below the tier, with the vintage and the token.
export function address(c: Choice, below: string): string {
  const query = [c.vintage && `vintage=${encodeURIComponent(c.vintage)}`, c.token && `tk=${encodeURIComponent(c.token).replace(/'/g, '%27')}`].filter(Boolean).join('&');
  return `${c.base}/${below}${query && (below.includes('?') ? '&' : '?') + query}`;
}

// tiles is the template of tiles with an ending: mvt or png.
export const tiles = (c: Choice, ending: 'mvt' | 'png', at = '{z}/{x}/{y}'): string => address(c, `tiles/${path(c)}/${c.grid}/${at}.${ending}`);

const [png, mvt, json, xml, wmsXML] = ['image/png', 'application/vnd.mapbox-vector-tile', 'application/json', 'text/xml', 'text/xml'];

// limits say what a program cannot do with the choice; undefined where it can do all.
export function limit(program: Program, c: Choice): Key | undefined {
  if (c.grid === 'c' && program === 'maplibre') return 'share.limit.maplibre';
  if (c.grid === 'c' && program === 'qgis') return 'share.limit.qgis';
  if (program === 'supermap') return 'share.limit.supermap';
  if (program === 'arcgis') return 'share.limit.arcgis';
  return undefined;
}

// addresses returns what can be copied for a program.
export function addresses(program: Program, c: Choice): Address[] {
  return made[program](c);
}

const capabilities = 'wmts?SERVICE=WMTS&REQUEST=GetCapabilities';
const script = (id: string, title: Key, text: string, note?: Key): Address => ({ id, title, text, type: '', ...(note && { note }) });
const link = (id: string, title: Key, text: string, type: string, note?: Key): Address => ({ id, title, text, type, ...(note && { note }) });
// single are addresses of services that know one layer at a time.
const single = (c: Choice, list: Address[]): Address[] => (c.names.length === 1 && !c.group ? list : []);
const style = (c: Choice): string => address(c, c.group ? 'style.json' : `style.json?layers=${c.names.map(encodeURIComponent).join(',')}`);

const made: Record<Program, (c: Choice) => Address[]> = {
  address: (c) => [
    ...(c.grid === 'w' ? [link('style', 'share.style', style(c), json)] : []),
    link('tilejson', 'share.tilejson', address(c, `tiles/${path(c)}/${c.grid}.json`), json),
    link('mvt', 'share.mvt', tiles(c, 'mvt'), mvt),
    link('png', 'share.png', tiles(c, 'png'), png),
    link('capabilities', 'share.wmts', address(c, 'wmts/1.0.0/WMTSCapabilities.xml'), xml, c.grid === 'c' ? 'share.wmts.c' : 'share.wmts.w'),
    ...single(c, [link('tianditu', 'share.tianditu', address(c, `${path(c)}_${c.grid}/${capabilities}`), xml)]),
    link('wms', 'share.wms', address(c, 'wms?SERVICE=WMS&REQUEST=GetCapabilities'), wmsXML),
    link('ogc', 'share.ogc', address(c, 'ogc'), json),
    ...single(c, [link('items', 'share.items', address(c, `ogc/collections/${path(c)}/items`), 'application/geo+json', 'share.items.note')]),
  ],
  maplibre: (c) => (c.grid === 'c' ? [] : [
    link('maplibre-url', 'share.style', style(c), json),
    script('maplibre-style', 'share.maplibre.style', code.maplibreStyle(c, style(c))),
    script('maplibre-source', 'share.maplibre.source', code.maplibreSource(c, address(c, `tiles/${path(c)}/w.json`)), 'share.maplibre.source.note'),
    script('maplibre-png', 'share.maplibre.png', code.maplibreRaster(tiles(c, 'png'), c)),
  ]),
  openlayers: (c) => [
    script('openlayers-png', 'share.png', code.openlayersPicture(c, tiles(c, 'png')), c.grid === 'c' ? 'share.openlayers.c' : undefined),
    script('openlayers-mvt', 'share.mvt', code.openlayersVector(c, tiles(c, 'mvt')), c.grid === 'c' ? 'share.openlayers.c' : undefined),
    ...single(c, [script('openlayers-wmts', 'share.wmts', code.openlayersWMTS(c, address(c, 'wmts/1.0.0/WMTSCapabilities.xml')), c.grid === 'c' ? 'share.openlayers.c' : undefined)]),
  ],
  leaflet: (c) => [
    script('leaflet-png', 'share.png', code.leaflet(c, tiles(c, 'png')), c.grid === 'c' ? 'share.leaflet.c' : undefined),
    ...single(c, [script('leaflet-tianditu', 'share.tianditu', code.leaflet(c, address(c, `${path(c)}_${c.grid}/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=${path(c)}&STYLE=default&TILEMATRIXSET=${c.grid}&FORMAT=tiles&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}`)), c.grid === 'c' ? 'share.leaflet.c' : undefined)]),
  ],
  cesium: (c) => [
    script('cesium-png', 'share.png', code.cesiumPicture(c, tiles(c, 'png', '{level}/{x}/{y}')), c.grid === 'c' ? 'share.cesium.c' : undefined),
    ...single(c, [script('cesium-wmts', 'share.wmts', code.cesiumWMTS(c, address(c, 'wmts')), c.grid === 'c' ? 'share.cesium.c' : undefined)]),
  ],
  qgis: (c) => [
    link('qgis-wmts', 'share.wmts', address(c, capabilities), xml, c.grid === 'c' ? 'share.qgis.wmts.c' : 'share.qgis.wmts.w'),
    ...(c.grid === 'w' ? [link('qgis-xyz', 'share.png', tiles(c, 'png'), png, 'share.qgis.xyz'), link('qgis-mvt', 'share.mvt', tiles(c, 'mvt'), mvt, 'share.qgis.mvt')] : []),
    link('qgis-wms', 'share.wms', address(c, 'wms?SERVICE=WMS&REQUEST=GetCapabilities'), wmsXML, 'share.qgis.wms'),
    link('qgis-ogc', 'share.ogc', address(c, 'ogc'), json, 'share.qgis.ogc'),
  ],
  supermap: (c) => [
    link('supermap-zxy', 'share.supermap.zxy', supermap(c), png),
    script('supermap-leaflet', 'share.supermap.leaflet', code.leaflet(c, supermap(c)), c.grid === 'c' ? 'share.leaflet.c' : undefined),
    script('supermap-openlayers', 'share.supermap.openlayers', code.openlayersPicture(c, supermap(c)), c.grid === 'c' ? 'share.openlayers.c' : undefined),
    ...(c.grid === 'w' ? [script('supermap-maplibre', 'share.supermap.maplibre', code.maplibreRaster(supermap(c), c))] : []),
    link('supermap-wmts', 'share.wmts', address(c, capabilities), xml, 'share.supermap.wmts'),
  ],
  arcgis: (c) => [
    { ...link('arcgis-mapserver', 'share.arcgis.mapserver', address(c, `arcgis/rest/services/${path(c)}_${c.grid}/MapServer`), json, 'share.arcgis.mapserver.note'), added: 'f=json' },
    script('arcgis-tile', 'share.arcgis.tile', code.arcgisTile(c, `${c.base}/arcgis/rest/services/${path(c)}_${c.grid}/MapServer`)),
    ...single(c, [script('arcgis-wmts', 'share.arcgis.wmts', code.arcgisWMTS(c, `${c.base}/wmts`))]),
    link('arcgis-capabilities', 'share.wmts', address(c, 'wmts/1.0.0/WMTSCapabilities.xml'), xml, c.grid === 'c' ? 'share.arcgis.pro.c' : 'share.arcgis.pro.w'),
  ],
};

const supermap = (c: Choice): string => address(c, `iserver/services/gengtu/rest/maps/${path(c)}_${c.grid}/zxyTileImage/{z}/{x}/{y}.png`);
