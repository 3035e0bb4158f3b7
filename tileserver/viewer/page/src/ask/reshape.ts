// Dragging the corners of a measured shape: when a corner is let go, the shape is measured
// again. By touch, too; the keyboard draws anew.

import type { Feature, Geometry, Polygon, Position } from 'geojson';
import type { Map as GLMap, MapMouseEvent, MapTouchEvent } from 'maplibre-gl';
import { setShape } from '../map/map';
import type { Asked } from './answer';
import { createDrawn } from './drawn';
import { round } from './sketch';

// mostCorners is up to how many corners are dragged: more lie too near each other.
const mostCorners = 60;

// canReshape tells whether a shape is a polygon without holes and with few corners.
export function canReshape({ geometry }: Asked): boolean {
  return geometry?.type === 'Polygon' && geometry.coordinates.length === 1 && (geometry.coordinates[0]?.length ?? 0) <= mostCorners + 1;
}

export interface Reshape { begin: (asked: Asked) => void; end: () => void; busy: () => boolean }

// createReshape wires the map; changed gets the shape after each drag.
export function createReshape(map: GLMap, changed: (geometry: Geometry) => void): Reshape {
  const drawn = createDrawn(map, 'ask-corners', [
    { id: 'ask-corners', type: 'circle', paint: { 'circle-radius': 7, 'circle-color': '#ffffff', 'circle-stroke-color': '#1550b0', 'circle-stroke-width': 2.5 } },
  ]);
  let ring: Position[] = []; // without its end
  let held: number | null = null;
  const polygon = (): Polygon => ({ type: 'Polygon', coordinates: [[...ring, [...(ring[0] ?? [])]]] });
  const show = () => {
    drawn.show(ring.map((p, n): Feature => ({ type: 'Feature', properties: { n }, geometry: { type: 'Point', coordinates: p } })));
    if (ring.length) setShape(map, 'aoi', polygon());
  };
  const end = () => { if (ring.length) { ring = []; held = null; drawn.show([]); } };
  const take = (e: MapMouseEvent | MapTouchEvent) => {
    if (!ring.length || !map.getLayer('ask-corners')) return;
    const [x, y, reach] = [e.point.x, e.point.y, 12];
    const [found] = map.queryRenderedFeatures([[x - reach, y - reach], [x + reach, y + reach]], { layers: ['ask-corners'] });
    if (!found) return;
    held = Number(found.id);
    e.preventDefault();
    map.dragPan.disable();
  };
  const move = (e: MapMouseEvent | MapTouchEvent) => {
    if (held === null) return;
    ring[held] = [round(e.lngLat.lng), round(e.lngLat.lat)];
    show();
  };
  const drop = () => {
    if (held === null) return;
    held = null;
    map.dragPan.enable();
    const geometry = polygon();
    end();
    changed(geometry);
  };
  map.on('mousedown', take);
  map.on('touchstart', take);
  map.on('mousemove', move);
  map.on('touchmove', move);
  map.on('mouseup', drop);
  map.on('touchend', drop);
  return {
    end,
    busy: () => ring.length > 0,
    begin: (asked) => {
      if (!canReshape(asked) || asked.geometry?.type !== 'Polygon') return;
      ring = (asked.geometry.coordinates[0] ?? []).slice(0, -1).map((p) => [...p]);
      show();
    },
  };
}
