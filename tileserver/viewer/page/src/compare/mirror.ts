// What the page draws itself on its map, and the base map, on a second map, too.

import type { GeoJSONSource, Map as GLMap, MapSourceDataEvent, SourceSpecification } from 'maplibre-gl';
import { baseId } from '../map/base';
import type { Drawn } from '../map/drawn';

// mirror keeps the layers of from that are not the tier's in to, until what it returns is
// called: the base map under the tier's layers of to, the others above them.
export function mirror(from: GLMap, to: GLMap, drawn: Drawn): () => void {
  const held = new Map<string, string>(); // layer → as it was last copied
  const stale = new Set<string>(); // sources whose data has changed
  let frame = 0;

  const own = () => from.getLayersOrder().filter((id) => from.getLayer(id)?.type !== 'background' && !drawn.owns(id));
  const layers = () => {
    const wanted = own();
    for (const id of [...held.keys()].filter((k) => !wanted.includes(k))) drop(to, id, held);
    for (const id of wanted) copy(from, to, id, held);
    for (const id of wanted) if (id !== baseId && to.getLayer(id)) to.moveLayer(id);
  };
  const run = () => {
    frame = 0;
    layers();
    for (const id of stale) {
      const [source, copied] = [from.getSource<GeoJSONSource>(id), to.getSource<GeoJSONSource>(id)];
      if (source?.type === 'geojson' && copied) void copied.setData(source.serialize().data);
    }
    stale.clear();
  };
  const soon = () => { frame ||= requestAnimationFrame(run); };
  const changed = (e: MapSourceDataEvent) => {
    if (e.sourceDataType !== 'content' || drawn.owns(e.sourceId)) return;
    stale.add(e.sourceId);
    soon();
  };
  from.on('styledata', soon);
  from.on('sourcedata', changed);
  run();
  return () => { cancelAnimationFrame(frame); from.off('styledata', soon); from.off('sourcedata', changed); };
}

// drop removes a copied layer, and its source where no other uses it.
function drop(to: GLMap, id: string, held: Map<string, string>): void {
  const source = to.getLayer(id)?.source;
  if (to.getLayer(id)) to.removeLayer(id);
  held.delete(id);
  if (source && to.getSource(source) && !to.getLayersOrder().some((o) => to.getLayer(o)?.source === source)) to.removeSource(source);
}

// copy brings a layer, and its source, to the second map as it is in the first.
function copy(from: GLMap, to: GLMap, id: string, held: Map<string, string>): void {
  const spec = from.getLayer(id)?.serialize();
  const text = JSON.stringify(spec);
  if (!spec || held.get(id) === text && to.getLayer(id)) return;
  drop(to, id, held);
  const source = 'source' in spec && typeof spec.source === 'string' ? spec.source : '';
  if (source && !to.getSource(source)) to.addSource(source, from.getSource(source)?.serialize() as SourceSpecification);
  to.addLayer(spec, id === baseId ? to.getLayersOrder().find((o) => to.getLayer(o)?.type !== 'background') : undefined);
  held.set(id, text);
}
