// What is on the map while a shape is drawn, and the shapes themselves.

import type { Feature, FeatureCollection, Geometry, Polygon, Position } from 'geojson';
import { closed } from '../core/geometry';
import { circle, distance } from './geodesic';

export type Mode = 'polygon' | 'rectangle' | 'circle' | 'pick';

// Drawing is a shape that is being drawn: its points so far, and where the pointer is.
export interface Drawing { mode: Mode | ''; points: Position[]; cursor: Position | null; radiusM: number }

// radiusRange are the least and the greatest radius of a circle, in metres.
export const radiusRange = [1, 100_000] as const;

// round keeps 9 decimals of a degree, a tenth of a millimetre: no screen is finer.
export const round = (degrees: number): number => Math.round(degrees * 1e9) / 1e9;

// radiusTo is the distance from a centre to a place as it is shown, and measured with: to 0.1 m.
export const radiusTo = (centre: Position, at: Position): number => Math.round(10 * distance(centre, at)) / 10;

// rectangleOf returns the closed ring with two opposite corners, west south first.
export function rectangleOf([lon1 = NaN, lat1 = NaN]: Position, [lon2 = NaN, lat2 = NaN]: Position): Position[] {
  const [w, e, s, n] = [Math.min(lon1, lon2), Math.max(lon1, lon2), Math.min(lat1, lat2), Math.max(lat1, lat2)];
  return [[w, s], [e, s], [e, n], [w, n], [w, s]];
}

// polygonOf is a geometry of one ring.
export const polygonOf = (ring: Position[]): Polygon => ({ type: 'Polygon', coordinates: [ring] });

// sketch returns what the map shows of a drawing.
export function sketch(d: Drawing): FeatureCollection {
  const of = (geometry: Geometry, properties = {}): Feature => ({ type: 'Feature', geometry, properties });
  const first = (i: number) => i === 0 && d.mode === 'polygon' && d.points.length > 2;
  const features = d.points.map((p, i) => of({ type: 'Point', coordinates: p }, { first: first(i) }));
  const line = lineOf(d);
  if (line.length > 2) features.push(of(polygonOf(closed(line)), { part: 'area' }));
  if (line.length > 1) features.push(of({ type: 'LineString', coordinates: line }, { part: 'edge' }));
  return { type: 'FeatureCollection', features };
}

function lineOf({ mode, points, cursor, radiusM }: Drawing): Position[] {
  const [at] = points;
  if (!at) return [];
  if (mode === 'circle') return radiusM > 0 ? circle(at, radiusM) : [];
  if (mode === 'rectangle') return cursor ? rectangleOf(at, cursor) : [];
  return cursor ? [...points, cursor] : points;
}
