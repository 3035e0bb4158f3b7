// Where the nodes and ribbons of a Sankey diagram of two sides lie: what was, at the left,
// and what it became, at the right. Nothing here touches the page.
//
// Two sides need no solving for positions: nodes stand in the order of their size, ribbons
// at each node in the order of the nodes that they go to.

import { fix } from './scale';

export interface Flow { from: string; to: string; value: number }

export interface Node { name: string; side: 'from' | 'to'; value: number; x: number; y: number; height: number }

// Ribbon is a flow laid out: its upper edge leaves the left node at y0 and reaches the right
// one at y1.
export interface Ribbon { flow: Flow; index: number; y0: number; y1: number; height: number }

export interface Sankey { nodes: Node[]; ribbons: Ribbon[]; height: number }

export interface SankeyFrame { width: number; height: number; node: number; gap: number; left: number; right: number }

// sankeyLayout lays flows out: one scale for all, so that every height is its value times
// it. Flows of the same two names are not joined; what is not above zero gets no ribbon.
// The frame's height is a wish: with so many nodes that gaps alone would fill it, the
// diagram grows.
export function sankeyLayout(flows: Flow[], frame: SankeyFrame): Sankey {
  const drawn = flows.map((flow, index) => ({ flow, index })).filter(({ flow }) => flow.value > 0 && Number.isFinite(flow.value));
  const sides = { from: totals(drawn, 'from'), to: totals(drawn, 'to') };
  const sum = drawn.reduce((a, { flow }) => a + flow.value, 0);
  const most = Math.max(sides.from.length, sides.to.length, 1);
  const height = Math.max(frame.height, (most - 1) * frame.gap + Math.min(frame.height, 24 * most));
  const scale = sum > 0 ? (height - (most - 1) * frame.gap) / sum : 0;
  const stack = (side: 'from' | 'to', x: number): Node[] => {
    const all = sides[side];
    let y = (height - (sum * scale + (all.length - 1) * frame.gap)) / 2;
    return all.map(({ name, value }) => {
      const node = { name, side, value, x, y, height: value * scale };
      y += node.height + frame.gap;
      return node;
    });
  };
  const left = stack('from', frame.left);
  const right = stack('to', frame.width - frame.right - frame.node);
  return { nodes: [...left, ...right], ribbons: ribbonsOf(drawn, left, right, scale), height };
}

// totals are the sums by name of one side, the largest first, names in order where equal.
function totals(drawn: { flow: Flow }[], side: 'from' | 'to'): { name: string; value: number }[] {
  const by = new Map<string, number>();
  for (const { flow } of drawn) by.set(flow[side], (by.get(flow[side]) ?? 0) + flow.value);
  return [...by].map(([name, value]) => ({ name, value })).sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
}

function ribbonsOf(drawn: { flow: Flow; index: number }[], left: Node[], right: Node[], scale: number): Ribbon[] {
  const order = (nodes: Node[]) => new Map(nodes.map((n, i) => [n.name, i]));
  const [lefts, rights] = [order(left), order(right)];
  const rank = (f: Flow) => [lefts.get(f.from) ?? 0, rights.get(f.to) ?? 0] as const;
  const used = { from: left.map((n) => n.y), to: right.map((n) => n.y) };
  const ribbons = drawn.map(({ flow, index }) => ({ flow, index, y0: 0, y1: 0, height: flow.value * scale }));
  const byLeft = [...ribbons].sort((a, b) => rank(a.flow)[0] - rank(b.flow)[0] || rank(a.flow)[1] - rank(b.flow)[1] || a.index - b.index);
  for (const r of byLeft) { const at = rank(r.flow)[0]; r.y0 = used.from[at] ?? 0; used.from[at] = r.y0 + r.height; }
  const byRight = [...ribbons].sort((a, b) => rank(a.flow)[1] - rank(b.flow)[1] || rank(a.flow)[0] - rank(b.flow)[0] || a.index - b.index);
  for (const r of byRight) { const at = rank(r.flow)[1]; r.y1 = used.to[at] ?? 0; used.to[at] = r.y1 + r.height; }
  return ribbons;
}

// ribbonPath returns the outline of a ribbon between two x; a ribbon is at least half a
// pixel thick, so that it can be seen.
export function ribbonPath(r: Ribbon, x0: number, x1: number): string {
  const middle = fix((x0 + x1) / 2);
  const h = Math.max(0.5, r.height);
  return `M${fix(x0)} ${fix(r.y0)}C${middle} ${fix(r.y0)} ${middle} ${fix(r.y1)} ${fix(x1)} ${fix(r.y1)}V${fix(r.y1 + h)}C${middle} ${fix(r.y1 + h)} ${middle} ${fix(r.y0 + h)} ${fix(x0)} ${fix(r.y0 + h)}Z`;
}
