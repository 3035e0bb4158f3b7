// Polygons of a shapefile (ESRI Shapefile Technical Description, July 1998). Coordinates
// are as in the file, x (easting, longitude) first; z and m are left out.

import type { MultiPolygon, Polygon, Position } from 'geojson';
import { inRing } from '../core/geometry';
import { FileFault, type Limits } from './fault';

// kinds that hold polygons: Polygon, PolygonZ, PolygonM.
const polygons = [5, 15, 25];

// maxRings bounds the rings of one shape: holes are looked for in each of them.
const maxRings = 5000;

// readShapes returns the geometry of each record, null where it has none. It throws FileFault.
export function readShapes(data: Uint8Array, limits: Limits): (Polygon | MultiPolygon | null)[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < 100 || view.getInt32(0) !== 9994) throw new FileFault('file.shp.broken', { at: 0 });
  const kind = view.getInt32(32, true);
  if (kind !== 0 && !polygons.includes(kind)) throw new FileFault('file.shp.kind', { kind });
  const out: (Polygon | MultiPolygon | null)[] = [];
  let [at, left] = [100, limits.vertices];
  while (at + 12 <= data.length) {
    const bytes = 2 * view.getInt32(at + 4);
    if (bytes < 4 || at + 8 + bytes > data.length) throw new FileFault('file.shp.broken', { at });
    if (out.length === limits.features) throw new FileFault('file.features', { most: limits.features });
    const shape = record(new DataView(data.buffer, data.byteOffset + at + 8, bytes), at, left, limits.vertices);
    left -= shape.points;
    out.push(shape.geometry);
    at += 8 + bytes;
  }
  return out;
}

function record(view: DataView, at: number, left: number, most: number): { geometry: Polygon | MultiPolygon | null; points: number } {
  const kind = view.getInt32(0, true);
  if (kind === 0) return { geometry: null, points: 0 };
  const broken = new FileFault('file.shp.broken', { at });
  if (!polygons.includes(kind) || view.byteLength < 44) throw broken;
  const [parts, points] = [view.getInt32(36, true), view.getInt32(40, true)];
  if (parts < 0 || points < 0 || 44 + 4 * parts + 16 * points > view.byteLength) throw broken;
  if (points > left) throw new FileFault('file.vertices', { most });
  if (parts > maxRings) throw new FileFault('file.rings', { n: parts, most: maxRings });
  const rings: Position[][] = [];
  const xy = 44 + 4 * parts;
  for (let i = 0; i < parts; i++) {
    const from = view.getInt32(44 + 4 * i, true);
    const to = i + 1 < parts ? view.getInt32(48 + 4 * i, true) : points;
    if (from < 0 || from > to || to > points) throw broken;
    const ring: Position[] = [];
    for (let k = from; k < to; k++) ring.push([view.getFloat64(xy + 16 * k, true), view.getFloat64(xy + 16 * k + 8, true)]);
    if (ring.length) rings.push(ring);
  }
  return { geometry: geometryOf(rings), points };
}

interface Outer { ring: Position[]; holes: Position[][]; box: [number, number, number, number]; size: number }

// geometryOf puts rings together: those that run clockwise are outer ones, the others holes
// of the smallest that they lie in; a hole that lies in none is an outer ring itself.
function geometryOf(rings: Position[][]): Polygon | MultiPolygon | null {
  const outer: Outer[] = [];
  const holes: Position[][] = [];
  for (const ring of rings) {
    if (signedArea(ring) <= 0) outer.push(outerOf(ring));
    else holes.push(ring);
  }
  const alone: Outer[] = [];
  for (const hole of holes) {
    let best: Outer | null = null;
    for (const o of outer) if ((!best || o.size < best.size) && holds(o, hole)) best = o;
    if (best) best.holes.push(hole);
    else alone.push(outerOf(hole));
  }
  const all = [...outer, ...alone].map((o) => [o.ring, ...o.holes]);
  const [first] = all;
  if (!first) return null;
  return all.length === 1 ? { type: 'Polygon', coordinates: first } : { type: 'MultiPolygon', coordinates: all };
}

function outerOf(ring: Position[]): Outer {
  const box: Outer['box'] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x = NaN, y = NaN] of ring) {
    box[0] = Math.min(box[0], x); box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x); box[3] = Math.max(box[3], y);
  }
  return { ring, holes: [], box, size: Math.abs(signedArea(ring)) };
}

// signedArea is positive where a ring runs counterclockwise. It is taken from the first
// point, so that large coordinates lose no digits.
function signedArea(ring: Position[]): number {
  const [x0 = 0, y0 = 0] = ring[0] ?? [];
  let sum = 0;
  for (let i = 1; i < ring.length; i++) {
    const [[x1 = 0, y1 = 0], [x2 = 0, y2 = 0]] = [ring[i - 1] ?? [], ring[i] ?? []];
    sum += (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0);
  }
  return sum / 2;
}

// holds tells whether a hole lies in an outer ring: by its first corner that is no corner
// of that ring, since a hole may touch it.
function holds(o: Outer, hole: Position[]): boolean {
  const inBox = ([x = NaN, y = NaN]: Position) => x >= o.box[0] && x <= o.box[2] && y >= o.box[1] && y <= o.box[3];
  if (!hole.every(inBox)) return false;
  const corner = hole.find((p) => !o.ring.some((q) => q[0] === p[0] && q[1] === p[1]));
  return corner ? inRing(corner, o.ring) : true;
}
