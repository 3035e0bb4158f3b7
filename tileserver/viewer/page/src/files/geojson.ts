// GeoJSON as it is dropped on the page: what it holds is looked at, within bounds, before
// any of it is sent or drawn. Whether shapes are right is for the server to say.

import type { Feature, FeatureCollection, Geometry } from 'geojson';
import { FileFault, type Limits } from './fault';
import { jsonFault } from './jsonfault';

// Named is a shape and what it is called, '' where nothing says so.
export interface Named { name: string; geometry: Geometry | null }

export interface GeoJSONFile { sent: Geometry | Feature | FeatureCollection; shapes: Named[]; many: boolean; crs: string }

const types = ['Point', 'MultiPoint', 'LineString', 'MultiLineString', 'Polygon', 'MultiPolygon', 'GeometryCollection'];

// named are the properties that name a feature, the best first.
const named = ['name', 'NAME', 'Name', '名称', 'title', 'DKMC', 'XMMC', 'MC', 'ZLDWMC', 'XZQMC', '地块名称', '项目名称', 'DKBH', 'TBBH', 'BSM'];

// readGeoJSON reads a text of UTF-8. It throws FileFault.
export function readGeoJSON(data: Uint8Array, limits: Limits): GeoJSONFile {
  const value = parse(data);
  const features = value.type === 'FeatureCollection' ? (value).features : null;
  if (features !== null && !Array.isArray(features)) throw new FileFault('file.json.features');
  if (features === null && value.type !== 'Feature' && !types.includes(value.type)) throw new FileFault('file.json.type', { type: typeof value.type === 'string' ? value.type.slice(0, 40) : '' });
  const list = features ?? [value as Geometry | Feature];
  if (list.length === 0) throw new FileFault('file.empty');
  if (list.length > limits.features) throw new FileFault('file.features', { most: limits.features });
  const count = { left: limits.vertices };
  const shapes = list.map((f) => shapeOf(f, count, limits.vertices));
  return { sent: value, shapes, many: features !== null, crs: crsOf(value) };
}

function parse(data: Uint8Array): Geometry | Feature | FeatureCollection {
  const text = textOf(data);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw syntaxFault(text);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FileFault('file.json.type', { type: Array.isArray(value) ? '[]' : String(value).slice(0, 40) });
  return value as Geometry | Feature | FeatureCollection;
}

function textOf(data: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch {
    throw cutInCharacter(data) ?? new FileFault('file.json.encoding');
  }
}

// cutInCharacter is the fault of a file that ends within a character, and is right so far.
function cutInCharacter(data: Uint8Array): FileFault | null {
  try {
    return syntaxFault(new TextDecoder('utf-8', { fatal: true }).decode(data, { stream: true }));
  } catch {
    return null;
  }
}

function syntaxFault(text: string): FileFault {
  const fault = jsonFault(text);
  if (!fault) return new FileFault('file.json.deep'); // right, but for the browser
  const { line, column, cut, found } = fault;
  return cut ? new FileFault('file.json.cut', { line, column }) : new FileFault('file.json.syntax', { line, column, found });
}

function shapeOf(f: Geometry | Feature | null, count: { left: number }, most: number): Named {
  const given: unknown = f?.type === 'Feature' ? f.geometry : f;
  const geometry = typeof given === 'object' ? given as Geometry | null : null; // the server says what is wrong with another
  const properties = (f?.type === 'Feature' ? f.properties : null) ?? {};
  if (geometry && 'coordinates' in geometry) tally(geometry.coordinates, 4, count, most);
  const key = named.find((k) => properties[k] != null && properties[k] !== '');
  const id = f?.type === 'Feature' ? f.id : undefined;
  return { name: String((key ? properties[key] : id) ?? '').slice(0, 80), geometry };
}

// tally counts positions, at most depth arrays deep.
function tally(c: unknown, depth: number, count: { left: number }, most: number): void {
  if (!Array.isArray(c) || depth === 0) return;
  if (typeof c[0] === 'number') {
    if (--count.left < 0) throw new FileFault('file.vertices', { most });
    return;
  }
  for (const inner of c as unknown[]) tally(inner, depth - 1, count, most);
}

// crsOf is the name in a crs member of the GeoJSON of 2008, '' without one.
function crsOf(value: object): string {
  const crs = (value as { crs?: unknown }).crs;
  if (typeof crs === 'string') return crs;
  const name = (crs as { properties?: { name?: unknown } } | null | undefined)?.properties?.name;
  return typeof name === 'string' ? name : '';
}

// inDegrees tells whether a geometry can be drawn as it is: polygons whose positions are
// longitudes and latitudes.
export function inDegrees(geometry: Geometry | null): boolean {
  if (geometry?.type !== 'Polygon' && geometry?.type !== 'MultiPolygon') return false;
  const polygons: unknown = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
  const position = (p: unknown) => Array.isArray(p) && typeof p[0] === 'number' && typeof p[1] === 'number' && Math.abs(p[0]) <= 180 && Math.abs(p[1]) <= 90;
  const each = (list: unknown, fn: (v: unknown) => boolean): boolean => Array.isArray(list) && list.length > 0 && list.every(fn);
  return each(polygons, (polygon) => each(polygon, (ring) => each(ring, position)));
}
