// What the rooms of the page share once the map stands there. A room, a folder beside this
// file, gets it in its install function and keeps its own state. It imports the rooms below
// it, as the table in test/imports.test.ts has them; rooms that stand side by side, those that
// ask, find and show, import nothing of each other: what one does for another stands here.

import type { Map as GLMap } from 'maplibre-gl';
import type { Geometry } from 'geojson';
import type { Catalog } from './core/catalog';
import type { Operation } from './core/me';
import type { LayerCard } from './map/card';
import type { Drawn } from './map/drawn';
import type { Layers } from './map/layers';

// Beside is the left side of a comparison: its map, over the left of the other as far as at,
// in percent of the width, and what both sides are called.
export interface Beside { map: GLMap; at: number; left: string; right: string }

export interface App {
  readonly map: GLMap;
  readonly catalog: Catalog;
  readonly layers: Layers;
  // drawn is what the map draws of the layers, in the page's vintage.
  readonly drawn: Drawn;
  // card is the card of layers.
  readonly card: LayerCard;
  // seen is what is to be seen at a pixel of the map's container: the map's own layers, or
  // those of the other year where two are compared.
  seen: (point: { x: number; y: number }) => Drawn;
  // beside is the left side where two vintages are compared, null where they are not.
  beside: () => Beside | null;
  // ask measures a shape or a place and shows the answer; it throws the Problem once that
  // is shown.
  ask: (what: { geometry: Geometry } | { place: string; name: string }) => Promise<unknown>;
  // show reads features by layer and id, opens their panel, marks the first and goes there;
  // what goes wrong is shown in the panel.
  show: (features: { layer: string; id: number | string }[]) => Promise<void>;
  // mark marks a place, degrees, in the stead of the one that is marked; null takes it away.
  mark: (at: { lon: number; lat: number } | null) => void;
  // drawing tells whether a click on the map belongs to the drawing of a shape.
  drawing: () => boolean;
  // may tells whether the user may ask questions of a kind here; tools of other kinds are
  // not shown, and nothing of them is asked.
  may: (operation: Operation) => boolean;
}
