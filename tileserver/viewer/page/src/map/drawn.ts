// What a map draws of the tier's layers: those of the state (layers.ts) in one vintage.
//
// A vintage has sources and style layers of its own, with @vintage after their names unless
// it is the one that the map began with. Another vintage is put into the map unseen, and
// takes the place of the one before in one frame, once its tiles are there: the map neither
// goes blank nor shows tiles of two years at once, as sources do whose address is changed
// while tiles are on their way. The page's own shapes and the base map are let be.

import type { LayerSpecification, Map as GLMap, SourceSpecification, StyleSpecification } from 'maplibre-gl';
import { hasVintage } from '../core/catalog';
import { baseId } from './base';
import type { Layers, Shown } from './layers';
import { styleOf } from './map';
import { opacityProperties, scaled } from './opacity';
import { drawingOrder } from './order';

// waitMs is how long the map shows the vintage before while tiles of another are missing.
const waitMs = 5000;

// Drawn is a map with the tier's layers in it.
export interface Drawn {
  readonly map: GLMap;
  // vintage is the one that is drawn, '' the latest of each layer.
  vintage(): string;
  // show draws another vintage; it resolves when that is to be seen, or another is asked for
  // meanwhile; it throws the Problem of the answer, with the map as it was.
  show(vintage: string): Promise<void>;
  // styleLayers are those of a layer, none where it is not drawn or lacks the vintage.
  styleLayers(name: string): LayerSpecification[];
  // owns tells whether a style layer or a source of the map is the tier's.
  owns(id: string): boolean;
  // turned runs fn whenever style layers may have come or gone: with another vintage, order
  // or stack.
  turned(fn: () => void): void;
  // close takes the map from the state.
  close(): void;
}

// Sheet is what the style of a vintage says of the layers: style layers by the name of the
// layer, the sources of all of them, and where their pictures are, '' where they need none.
interface Sheet { layers: Map<string, LayerSpecification[]>; sources: Record<string, SourceSpecification>; sprite: string }

// createDrawn keeps a map, which was made of the style of a vintage, with the state. failed
// is told of a style that could not be had when the state changed.
export function createDrawn(map: GLMap, layers: Layers, begun: { vintage: string; style: StyleSpecification }, failed: (thrown: unknown) => void): Drawn {
  const mark = (of: string) => (of === begun.vintage ? '' : `@${of}`);
  let sheet = sheetFrom(begun.style, layers.list.map((l) => l.name), '', '');
  let next: Sheet | null = null; // in the map, and not to be seen yet
  let shown = begun.vintage;
  let aim = shown; // what the last call wants, which may be on its way
  let turn = 0;
  const listeners: (() => void)[] = [];

  const update = async (of: string) => {
    const mine = ++turn;
    aim = of;
    try {
      const wanted = await sheetOf(layers.stack(), of, mark(of));
      if (mine !== turn) return;
      if (next) take(map, next, sheet);
      next = wanted;
      const above = firstOwn(map, sheet, wanted);
      put(map, wanted, layers, above);
      if (of !== shown) {
        await arrived(map, Object.keys(wanted.sources));
        if (mine !== turn) return;
      }
      next = null;
      take(map, sheet, wanted);
      [sheet, shown] = [wanted, of];
      stand(map, sheet, layers, above);
      show(map, sheet, layers);
      for (const fn of listeners) fn();
    } catch (thrown) {
      if (mine !== turn) return;
      if (next) take(map, next, sheet); // of the vintage before, whose tiles nobody waits for any more
      [next, aim] = [null, shown];
      throw thrown;
    }
  };
  const leave = layers.changed((shape) => {
    if (shape) update(aim).catch(failed);
    else show(map, sheet, layers);
  });
  update(shown).catch(failed);
  return {
    map,
    vintage: () => shown,
    show: update,
    styleLayers: (name) => sheet.layers.get(name) ?? [],
    owns: (id) => [sheet, ...(next ? [next] : [])].some((s) => id in s.sources || layersOf(s).some((l) => l.id === id)),
    turned: (fn) => void listeners.push(fn),
    close() { turn++; leave(); },
  };
}

// sheetOf reads the styles of layers in a vintage: one for those of the map's first style,
// and one for each other that stands in the stack.
async function sheetOf(stack: readonly Shown[], of: string, mark: string): Promise<Sheet> {
  const all = sheetFrom(await styleOf(of), stack.map((l) => l.name), '', mark);
  const missing = stack.filter((l) => !all.layers.has(l.name) && hasVintage(l.layer, of));
  const more = await Promise.all(missing.map(async (l) => sheetFrom(await styleOf(of, l.name), [l.name], `${l.name}:`, mark)));
  for (const s of more) {
    for (const [name, own] of s.layers) all.layers.set(name, own);
    Object.assign(all.sources, s.sources);
    all.sprite ||= s.sprite;
  }
  return all;
}

// sheetFrom takes the layers of names out of a style. prefix keeps the sources of several
// styles apart, mark the vintages.
function sheetFrom(style: StyleSpecification, names: readonly string[], prefix: string, mark: string): Sheet {
  const sheet: Sheet = { layers: new Map(), sources: {}, sprite: typeof style.sprite === 'string' ? style.sprite : '' };
  for (const s of style.layers) {
    const name = names.find((n) => ('source-layer' in s && s['source-layer'] === n) || s.id === `${n}-label`);
    if (!name || !('source' in s) || typeof s.source !== 'string') continue;
    const source = style.sources[s.source];
    if (!source) continue;
    const id = prefix + s.source + mark;
    sheet.sources[id] = source;
    sheet.layers.set(name, [...sheet.layers.get(name) ?? [], { ...s, id: s.id + mark, source: id }]);
  }
  return sheet;
}

const layersOf = (sheet: Sheet): LayerSpecification[] => [...sheet.layers.values()].flat();

// put adds what a map does not have of a sheet, unseen: tiles are asked for of what is
// visible, however faint. What the state hides is hidden.
function put(map: GLMap, sheet: Sheet, layers: Layers, above: string | undefined): void {
  if (sheet.sprite && !map.getSprite().length) map.setSprite(sheet.sprite);
  for (const [id, source] of Object.entries(sheet.sources)) if (!map.getSource(id)) map.addSource(id, source);
  for (const l of layers.list) {
    for (const s of sheet.layers.get(l.name) ?? []) {
      if (map.getLayer(s.id)) continue;
      map.addLayer({ ...s, layout: { ...s.layout, visibility: l.visible ? 'visible' : 'none' }, paint: { ...s.paint, ...faint(s) } } as LayerSpecification, above);
    }
  }
}

const faint = (s: LayerSpecification): Record<string, number> => Object.fromEntries((opacityProperties[s.type] ?? []).map((property) => [property, 0]));

// take removes what a map has of a sheet, but for what is also of another.
function take(map: GLMap, sheet: Sheet, but: Sheet): void {
  const kept = new Set(layersOf(but).map((s) => s.id));
  for (const { id } of layersOf(sheet)) if (!kept.has(id)) map.removeLayer(id);
  for (const id of Object.keys(sheet.sources)) if (!(id in but.sources)) map.removeSource(id);
}

// arrived resolves when the tiles of sources are there, or have failed, or waitMs is over.
function arrived(map: GLMap, sources: string[]): Promise<void> {
  return new Promise((resolve) => {
    let there = 0;
    const end = () => { clearTimeout(timer); map.off('render', look); resolve(); };
    const timer = setTimeout(end, waitMs);
    // Sources are asked in the frame after the one that they came in.
    const look = () => {
      there = sources.every((id) => !map.getSource(id) || map.isSourceLoaded(id)) ? there + 1 : 0;
      if (there > 1) end();
      else if (there) map.triggerRepaint();
    };
    map.on('render', look);
    map.triggerRepaint();
  });
}

// firstOwn is the lowest layer of the map that is of neither sheet, nor the background nor
// the base map: what the page draws itself, above the tier's. Undefined where there is none.
function firstOwn(map: GLMap, ...sheets: Sheet[]): string | undefined {
  const tier = new Set(sheets.flatMap(layersOf).map((s) => s.id));
  return map.getLayersOrder().find((id) => !tier.has(id) && id !== baseId && map.getLayer(id)?.type !== 'background');
}

// stand puts the style layers into their order: over the background and the base map,
// under all that is the page's own.
function stand(map: GLMap, sheet: Sheet, layers: Layers, above: string | undefined): void {
  const ids = drawingOrder(layers.order(), sheet.layers).map((s) => s.id);
  if (map.getLayersOrder().filter((id) => ids.includes(id)).join() === ids.join()) return;
  for (const id of ids) map.moveLayer(id, above);
}

// show gives the style layers of the state's layers their opacity, or hides them.
function show(map: GLMap, sheet: Sheet, layers: Layers): void {
  for (const l of layers.list) {
    for (const s of sheet.layers.get(l.name) ?? []) {
      map.setLayoutProperty(s.id, 'visibility', l.visible ? 'visible' : 'none');
      const own = s.paint as Record<string, unknown> | undefined;
      for (const property of opacityProperties[s.type] ?? []) {
        map.setPaintProperty(s.id, property as 'fill-opacity', scaled(own?.[property], l.opacity) as number);
      }
    }
  }
}
