// What the room draws on the map beside the measured shape: a source with its layers, made
// when something is first shown, and made again when the map's style has been changed.

import type { Feature } from 'geojson';
import type { GeoJSONSource, LayerSpecification, Map as GLMap } from 'maplibre-gl';

export interface Drawn {
  // show replaces what is drawn.
  show: (features: Feature[]) => void;
  readonly source: string;
}

// LayerOf is a layer without what createDrawn sets.
export type LayerOf = LayerSpecification extends infer L ? (L extends { source: string } ? Omit<L, 'source'> : never) : never;

// createDrawn names the source; layers are drawn above all others, in order.
export function createDrawn(map: GLMap, source: string, layers: LayerOf[]): Drawn {
  let shown: Feature[] = [];
  const put = () => {
    if (!shown.length && !map.getSource(source)) return;
    if (!map.getSource(source)) {
      map.addSource(source, { type: 'geojson', data: { type: 'FeatureCollection', features: [] }, promoteId: 'n' });
      for (const layer of layers) map.addLayer({ ...layer, source });
    }
    void (map.getSource(source) as GeoJSONSource).setData({ type: 'FeatureCollection', features: shown });
  };
  map.on('style.load', put);
  return { source, show: (features) => { shown = features; put(); } };
}
