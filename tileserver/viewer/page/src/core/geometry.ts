// Small things about GeoJSON geometries.

import type { Geometry, Position } from 'geojson';

// Extent is a box in degrees.
export type Extent = [minLon: number, minLat: number, maxLon: number, maxLat: number];

// extentOf returns the box of a geometry's positions.
export function extentOf(geometry: Geometry): Extent {
  const box: Extent = [Infinity, Infinity, -Infinity, -Infinity];
  eachPosition(geometry, ([lon = NaN, lat = NaN]) => {
    box[0] = Math.min(box[0], lon); box[1] = Math.min(box[1], lat);
    box[2] = Math.max(box[2], lon); box[3] = Math.max(box[3], lat);
  });
  return box;
}

// union is the box around boxes; null for none.
export function union(all: readonly Extent[]): Extent | null {
  if (!all.length) return null;
  return [Math.min(...all.map((e) => e[0])), Math.min(...all.map((e) => e[1])), Math.max(...all.map((e) => e[2])), Math.max(...all.map((e) => e[3]))];
}

// eachPosition runs fn with each position of a geometry.
function eachPosition(geometry: Geometry, fn: (at: Position) => void): void {
  if (geometry.type === 'GeometryCollection') { for (const g of geometry.geometries) eachPosition(g, fn); return; }
  const walk = (c: unknown[]): void => {
    if (typeof c[0] === 'number') fn(c as Position);
    else for (const inner of c) walk(inner as unknown[]);
  };
  walk(geometry.coordinates);
}

// closed returns points as a closed ring.
export function closed(points: Position[]): Position[] {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return [];
  return first[0] === last[0] && first[1] === last[1] ? points.map((p) => [...p]) : [...points, first].map((p) => [...p]);
}

// inRing tells whether a position lies within a closed ring by the even-odd rule; of those on
// the ring itself it may say either.
export function inRing([x = NaN, y = NaN]: Position, ring: Position[]): boolean {
  let within = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [[xi = 0, yi = 0], [xj = 0, yj = 0]] = [ring[i] ?? [], ring[j] ?? []];
    if (yi > y !== yj > y && x < (xj - xi) * (y - yi) / (yj - yi) + xi) within = !within;
  }
  return within;
}
