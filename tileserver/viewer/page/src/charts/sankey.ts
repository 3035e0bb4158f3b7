// Flows from what was, at the left, to what it became, at the right.

import { h, svg, type Child } from '../core/dom';
import { area } from '../core/format';
import { t } from '../core/i18n';
import { chartBox, drawing, hiddenTable } from './box';
import { fix } from './scale';
import { ribbonPath, sankeyLayout, type Flow, type Node, type Ribbon } from './flows';
import { colourOf } from './palette';

export type { Flow } from './flows';

export interface SankeyOptions {
  unit: string;
  onPick?: (flow: Flow) => void;
  label?: string;
  colours?: Map<string, string>; // of the left nodes, by name; those of the palette in the order of size unless given
  format?: (value: number) => string;
}

// sankey returns the diagram. With onPick each flow is a button, reached by Tab in the order
// of rows; a flow's name says where from, where to and how much. Heights are in proportion
// to values, of all flows alike.
export function sankey(flows: Flow[], options: SankeyOptions): HTMLElement {
  const { unit, label = '', format = area } = options;
  if (!flows.some((f) => f.value > 0)) return h('p', { class: 'note' }, t('chart.none'));
  return chartBox('sankey', (width) => draw(flows, width, options),
    hiddenTable(label, [t('chart.from'), t('chart.to'), t('chart.value', { unit })], flows.map((f) => [f.from, f.to, { text: format(f.value), value: f.value }])));
}

function draw(flows: Flow[], width: number, { unit, onPick, label = '', colours, format = area }: SankeyOptions): SVGSVGElement {
  const text = width < 420 ? 84 : width < 640 ? 150 : 200;
  const top = 20;
  const nodes = new Set(flows.map((f) => f.from)).size + new Set(flows.map((f) => f.to)).size;
  const layout = sankeyLayout(flows, { width, height: Math.min(520, 120 + 20 * nodes), node: 10, gap: 16, left: text, right: text });
  const left = layout.nodes.filter((n) => n.side === 'from');
  const colour = (name: string) => colours?.get(name) ?? colourOf(left.findIndex((n) => n.name === name));
  const ribbon = (r: Ribbon) => {
    const name = t('chart.flow', { from: r.flow.from, to: r.flow.to, value: format(r.flow.value), unit });
    const pick = onPick && (() => onPick(r.flow));
    return svg('path', {
      d: ribbonPath(r, text + 10, width - text - 10), fill: colour(r.flow.from), class: 'sankey-ribbon', 'data-index': r.index,
      ...(pick && { role: 'button', tabindex: 0, 'aria-label': name, onclick: pick, onkeydown: (e: KeyboardEvent) => { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); pick(); } } }),
    }, svg('title', null, name));
  };
  return drawing(width, layout.height + top + 8, label, onPick !== undefined,
    svg('text', { class: 'chart-unit', x: 0, y: 12 }, `${t('chart.from')} · ${unit}`), svg('text', { class: 'chart-unit', x: width, y: 12, 'text-anchor': 'end' }, t('chart.to')),
    svg('g', { transform: `translate(0 ${top})` }, layout.ribbons.map(ribbon), layout.nodes.map((n) => nodeOf(n, n.side === 'from' ? colour(n.name) : '#4c5954', text, format))));
}

function nodeOf(n: Node, fill: string, room: number, format: (v: number) => string): Child {
  const left = n.side === 'from';
  const x = fix(left ? n.x - 6 : n.x + 16);
  const middle = n.y + n.height / 2;
  const characters = (room - 18) / 12; // of 12 pixels, in what the node leaves
  return svg('g', { class: 'sankey-node', 'aria-hidden': 'true' },
    svg('rect', { x: fix(n.x), y: fix(n.y), width: 10, height: fix(Math.max(1, n.height)), fill }),
    svg('text', { x, y: fix(middle - 1), 'text-anchor': left ? 'end' : 'start' }, cut(n.name, characters)),
    svg('text', { x, y: fix(middle + 11), 'text-anchor': left ? 'end' : 'start', class: 'sankey-value' }, format(n.value)));
}

// cut shortens a name to so many characters of full width; Latin ones count for six tenths.
function cut(name: string, most: number): string {
  let used = 0;
  let out = '';
  for (const c of name) {
    used += (c.codePointAt(0) ?? 0) > 0x2e80 ? 1 : 0.6;
    if (used > most) return `${out}…`;
    out += c;
  }
  return out;
}
