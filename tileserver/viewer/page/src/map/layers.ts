// What is shown of the tier's layers: which are on, how faint, in which order. The maps
// (drawn.ts), the card (card.ts) and the address follow it.

import type { StyleSpecification } from 'maplibre-gl';
import type { Catalog, Layer } from '../core/catalog';
import { t } from '../core/i18n';
import { linkPart, readLayers, writeLayers } from '../core/link';
import { toastGone } from '../shell/messages';
import { moved, placed, startOrder } from './order';

// Shown is a layer as the map shows it.
export interface Shown {
  readonly name: string;
  readonly layer: Layer;
  visible: boolean;
  opacity: number; // 0 to 1, multiplies the style's own
  // stacked says that the layer stands among those of the map, on or off; the others wait
  // to be added.
  stacked: boolean;
}

export interface Layers {
  // list is in the catalogue's order.
  readonly list: readonly Shown[];
  // order is that of drawing, by name, the lowest first.
  order(): readonly string[];
  // stack are those that stand among the layers of the map, the lowest first.
  stack(): Shown[];
  // apply shows the layers of wanted, by name with their opacity and in that order of
  // drawing, and hides the others.
  apply(wanted: Map<string, number>): void;
  // on are those that are shown, as apply takes them.
  on(): Map<string, number>;
  // set changes one layer. A layer that is taken off the stack is hidden.
  set(name: string, to: Partial<Pick<Shown, 'visible' | 'opacity' | 'stacked'>>): void;
  // move draws a layer of the stack above (1) or below (-1) its neighbour.
  move(name: string, by: 1 | -1): void;
  // changed runs fn after each change, until what it returns is called; shape says that
  // rows came, went or moved.
  changed(fn: (shape: boolean) => void): () => void;
}

// createLayers holds the state; the layers of style, which the map begins with, stand in
// the stack and are shown unless the style hides them.
export function createLayers(catalog: Catalog, style: StyleSpecification): Layers {
  const first = startingWith(style);
  const own = catalog.layers.map((l) => l.name);
  let order = startOrder(own);
  const list = catalog.layers.map((layer): Shown => ({
    name: layer.name, layer, visible: first.get(layer.name) === true, opacity: 1, stacked: first.has(layer.name),
  }));
  const listeners = new Set<(shape: boolean) => void>();
  const changed = (shape: boolean) => { for (const fn of listeners) fn(shape); };
  const named = (name: string) => list.find((l) => l.name === name);
  const stack = () => order.flatMap((name) => list.filter((l) => l.name === name && l.stacked));
  const start = new Map(stack().filter((l) => l.visible).map((l) => [l.name, 1]));
  const layers: Layers = {
    list, stack, order: () => order,
    apply(wanted) {
      order = placed(startOrder(own), [...wanted.keys()]);
      for (const l of list) {
        l.visible = wanted.has(l.name);
        l.opacity = wanted.get(l.name) ?? l.opacity;
        l.stacked = l.visible || first.has(l.name);
      }
      changed(true);
    },
    on: () => new Map(stack().filter((l) => l.visible).map((l) => [l.name, l.opacity])),
    set(name, to) {
      const l = named(name);
      if (!l) return;
      const stood = l.stacked;
      Object.assign(l, to);
      if (!l.stacked) l.visible = false;
      changed(stood !== l.stacked);
    },
    move(name, by) {
      order = moved(order, new Set(stack().map((l) => l.name)), name, by);
      changed(true);
    },
    changed: (fn) => { listeners.add(fn); return () => void listeners.delete(fn); },
  };
  linkPart({ key: 'layers', write: () => writeLayers(layers.on()), read: (text) => layers.apply(asked(readLayers(text), own) ?? start) });
  return layers;
}

// asked returns what an address asks for of the layers that there are, and says which there
// are not; null where it asks for nothing, or for nothing but those.
function asked(wanted: Map<string, number> | null, own: readonly string[]): Map<string, number> | null {
  const lacking = [...wanted?.keys() ?? []].filter((name) => !own.includes(name));
  if (!wanted || !lacking.length) return wanted;
  toastGone(t('layers.gone', { names: lacking.join(' ') }));
  const there = new Map([...wanted].filter(([name]) => own.includes(name)));
  return there.size ? there : null;
}

// startingWith returns the layers that a style draws, by name, and whether it shows them.
function startingWith(style: StyleSpecification): Map<string, boolean> {
  const out = new Map<string, boolean>();
  for (const s of style.layers) {
    const name = 'source-layer' in s ? s['source-layer'] : undefined;
    if (name) out.set(name, out.get(name) === true || s.layout?.visibility !== 'none');
  }
  return out;
}
