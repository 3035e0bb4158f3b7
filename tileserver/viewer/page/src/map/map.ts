// The map: MapLibre GL JS on the tier's style, with the shapes that the page
// itself draws (the measured area, the selected feature) above it. The room map holds what is
// drawn, of which layers and in which vintage; what a click or a shape is asked for is for the
// rooms above it.

import { Map as GLMap, prewarm, setWorkerUrl, type PointLike, type StyleSpecification } from 'maplibre-gl';
import type { Geometry } from 'geojson';
import { authorize, getOf, tierURL, vintage } from '../core/api';
import type { Extent } from '../core/geometry';
import { linked, readView } from '../core/link';
import { may } from '../core/me';
import { margins, narrow } from '../shell/frame';
import { addShapes, shapes } from './shapes';

// maplibreFolder is where the build has put MapLibre, beside the page's own files.
declare const maplibreFolder: string;

setWorkerUrl(new URL(`./${maplibreFolder}/maplibre-gl-worker.mjs`, import.meta.url).href);
prewarm(); // the workers start while the catalogue is read

// ideographs are drawn with the reader's own fonts: no megabytes of glyphs.
const ideographs = '"PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC","Source Han Sans SC",sans-serif';

const styles = new Map<string, Promise<StyleSpecification>>();

// styleOf returns the tier's style for a vintage, '' the latest of each layer, with absolute
// addresses: of the layers that a map shows first, or of one that is named, as far as the
// user reaches them. It is asked for once and must not be changed; it throws the Problem of
// the answer.
export const styleOf = (of: string, layer = ''): Promise<StyleSpecification> => askStyle(of, layer).then(reached);

// askStyle asks for what styleOf returns, before it is known who the user is.
export function askStyle(of: string, layer = ''): Promise<StyleSpecification> {
  const path = layer ? `style.json?layers=${encodeURIComponent(layer)}` : 'style.json';
  const known = styles.get(`${of} ${path}`);
  if (known) return known;
  const asked = getOf<StyleSpecification>(of, path).then((style) => absolute(style, tierURL('style.json')));
  styles.set(`${of} ${path}`, asked);
  asked.catch(() => styles.delete(`${of} ${path}`)); // asked again next time
  return asked;
}

// reached leaves of a style what the user may ask for: without the right to tiles, the
// background alone, on which shapes are drawn.
const reached = (style: StyleSpecification): StyleSpecification => (may('tiles') ? style : { ...style, sources: {}, layers: style.layers.filter((l) => l.type === 'background') });

// createMap returns the map in an element, which shows nothing yet. It takes the browser
// a moment to give it a graphics context, which asks for no answer of the server; it throws
// where the browser has none.
export const createMap = (container: HTMLElement): GLMap => newMap(container, undefined, {});

// beginMap shows the tier's style in a map that createMap made, at the view of the address
// or else at the extent, which may be null; it returns once the first whole map is drawn.
export async function beginMap(map: GLMap, extent: Extent | null): Promise<void> {
  const style = await styleOf(vintage());
  const link = readView(linked('map'));
  if (link) map.jumpTo({ center: [link.lon, link.lat], zoom: link.zoom });
  else if (extent) map.fitBounds(boundsOf(extent), { padding: margins(), animate: false });
  map.setStyle(still(style));
  await new Promise<void>((resolve) => { void map.once('load', () => resolve()); });
  performance.mark('gengtu:map'); // the first whole map, for who measures
  addShapes(map);
}

// still is a style in which opacities change at once, since layers of two years take turns.
const still = (style: StyleSpecification): StyleSpecification => ({ ...style, transition: { duration: 0, delay: 0 } });

// newMap makes a map as all of the page are: north up, requests with the token. Without a
// style it is empty.
export function newMap(container: HTMLElement, style: StyleSpecification | undefined, view: object): GLMap {
  const map = new GLMap({
    container, ...(style ? { style: still(style) } : {}), ...view,
    transformRequest: (url: string) => ({ url, headers: authorize(url), credentials: 'same-origin' as const }),
    attributionControl: false,
    localIdeographFontFamily: ideographs,
    dragRotate: false, pitchWithRotate: false, touchPitch: false, maxPitch: 0, maxZoom: 20, fadeDuration: 150,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  return map;
}

const boundsOf = ([minLon, minLat, maxLon, maxLat]: Extent): [[number, number], [number, number]] => [[minLon, minLat], [maxLon, maxLat]];

// attributions returns what the style says of the map's producer and approval,
// as text; the line at the foot shows it in MapLibre's place.
export function attributions(map: GLMap): { approval: string; parts: string[] } {
  const { sources, metadata } = map.getStyle();
  const text = (html: string) => new DOMParser().parseFromString(html, 'text/html').body.textContent.trim();
  const parts = Object.values(sources).flatMap((s) => ('attribution' in s && s.attribution ? text(s.attribution).split(' | ') : []));
  return { approval: (metadata as Record<string, string> | undefined)?.['gengtu:approval'] ?? '', parts: [...new Set(parts)] };
}

// fit shows an extent beside the cards that are open.
export function fit(map: GLMap, extent: Extent): void {
  map.fitBounds(boundsOf(extent), { padding: margins(), maxZoom: 17, duration: 500 });
}

// reveal moves the map, and zooms out if it must, when an extent is partly
// covered by a card or outside the window; an extent in plain sight stays.
export function reveal(map: GLMap, extent: Extent): void {
  const padding = margins();
  const [a, b] = [map.project([extent[0], extent[3]]), map.project([extent[2], extent[1]])];
  const { clientWidth, clientHeight } = map.getContainer();
  const seen = a.x >= padding.left && a.y >= padding.top && b.x <= clientWidth - padding.right && b.y <= clientHeight - padding.bottom;
  if (seen) return;
  const camera = map.cameraForBounds(boundsOf(extent), { padding, maxZoom: map.getZoom() });
  if (camera) map.easeTo({ ...camera, duration: 400 });
}

// uncover moves the map, at its zoom, when a pixel of it lies under the card of
// results.
export function uncover(map: GLMap, point: { x: number; y: number }): void {
  const padding = margins();
  const { clientWidth, clientHeight } = map.getContainer();
  const by: PointLike = narrow() ? [0, point.y - (clientHeight - padding.bottom)] : [point.x - (clientWidth - padding.right), 0];
  if (by[0] > 0 || by[1] > 0) map.panBy(by, { duration: 300 });
}

const shown = new Map<string, Geometry>();

// shapeOf is the geometry that setShape shows under a name; null for none.
export const shapeOf = (name: (typeof shapes)[number]): Geometry | null => shown.get(name) ?? null;

const turns = new Map<string, number>();

// looking is called before a shape is asked for that is to be shown under a name. It returns
// what tells whether the answer is still to be shown: not once another was asked for or shown
// there, or taken away.
export function looking(name: (typeof shapes)[number]): () => boolean {
  const mine = (turns.get(name) ?? 0) + 1;
  turns.set(name, mine);
  return () => turns.get(name) === mine;
}

// setShape shows a geometry as one of the page's own shapes; null takes it away.
export function setShape(map: GLMap, name: (typeof shapes)[number], geometry: Geometry | null): void {
  looking(name);
  if (geometry) shown.set(name, geometry);
  else shown.delete(name);
  const source = map.getSource(`gengtu-${name}`);
  if (source && 'setData' in source) (source as { setData(d: unknown): void }).setData(geometry ? { type: 'Feature', properties: {}, geometry } : { type: 'FeatureCollection', features: [] });
}

// absolute returns a copy of style in which the addresses of sources, glyphs and
// sprites are absolute. {z} and the like stay as they are.
export function absolute(style: StyleSpecification, base: string): StyleSpecification {
  const folder = base.replace(/[?#].*$/, '').replace(/[^/]*$/, '');
  const abs = (url: string) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(url)) return url;
    return url.startsWith('/') ? new URL(base).origin + url : folder + url;
  };
  const copy = structuredClone(style);
  if (typeof copy.glyphs === 'string') copy.glyphs = abs(copy.glyphs);
  if (typeof copy.sprite === 'string') copy.sprite = abs(copy.sprite);
  for (const source of Object.values(copy.sources ?? {})) {
    if ('url' in source && source.url) source.url = abs(source.url);
    if ('tiles' in source && source.tiles) source.tiles = source.tiles.map(abs);
    if ('data' in source && typeof source.data === 'string') source.data = abs(source.data);
  }
  return copy;
}
