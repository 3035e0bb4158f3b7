// The order of layers, in which the map draws them and the card lists them. Orders are
// names of layers, the lowest first.

// startOrder is the order before anyone changes it: surveyed ground lowest, then the
// layers of the product, other themes above them, and places above all.
export function startOrder(names: readonly string[]): string[] {
  const rank = (name: string) => ({ dltb: 0, cropland: 1, pbf: 2, hsf: 3, region: 5 })[name] ?? 4;
  return [...names].sort((a, b) => rank(a) - rank(b));
}

// moved returns order with a name one place further up (1) or down (-1) among those of
// among; the others keep their places. At the end of them nothing changes.
export function moved(order: readonly string[], among: ReadonlySet<string>, name: string, by: 1 | -1): string[] {
  const slots = order.filter((n) => among.has(n));
  const other = slots[slots.indexOf(name) + by];
  if (!slots.includes(name) || other === undefined) return [...order];
  return order.map((n) => (n === name ? other : n === other ? name : n));
}

// placed returns order with the names of wanted in their own order, in the places that
// these names have among the others. Names that order lacks are left out.
export function placed(order: readonly string[], wanted: readonly string[]): string[] {
  const there = wanted.filter((n, i) => order.includes(n) && wanted.indexOf(n) === i);
  const own = new Set(there);
  let next = 0;
  return order.map((n) => (own.has(n) ? there[next++] ?? n : n));
}

// kindRank is the place of a style layer's kind: areas under lines under names, whatever
// layer they are of, so that no area hides another layer's border.
const kindRank = (type: string): number => (type === 'symbol' ? 2 : type === 'line' ? 1 : 0);

// drawingOrder returns the style layers of layers, by name, in the order in which the map
// draws them; those of one layer and kind stay in the order of its style.
export function drawingOrder<T extends { type: string }>(order: readonly string[], styleLayers: ReadonlyMap<string, readonly T[]>): T[] {
  const all = order.flatMap((name) => styleLayers.get(name) ?? []);
  return [0, 1, 2].flatMap((rank) => all.filter((s) => kindRank(s.type) === rank));
}
