// What all charts share: drawing again when the room for it changes, the table behind a
// drawing, legends.

import { h, svg, type Child } from '../core/dom';

// least is the narrowest that a chart is drawn, in CSS pixels.
const least = 260;

// chartBox holds a drawing that fits the width it has: draw is run with that width, in CSS
// pixels, and again when it changes. It begins at 480, which is what a printer gets that
// never showed it.
export function chartBox(name: string, draw: (width: number) => SVGSVGElement, ...rest: Child[]): HTMLElement {
  const place = h('div', { class: 'chart-drawing' }, draw(480));
  const box = h('figure', { class: `chart chart-${name}`, 'data-testid': `chart-${name}` }, place, rest);
  let shown = 480;
  new ResizeObserver(() => {
    const width = Math.max(least, Math.floor(place.clientWidth));
    // Held against a redraw that takes the focus away: nothing changes within 4 pixels.
    if (!place.clientWidth || Math.abs(width - shown) < 4) return;
    shown = width;
    place.replaceChildren(draw(width));
  }).observe(place);
  return box;
}

// drawing is the root of a chart: an image with a name, or a group of things to pick.
export const drawing = (width: number, height: number, name: string, pick: boolean, ...children: Child[]): SVGSVGElement => svg('svg', {
  viewBox: `0 0 ${width} ${Math.ceil(height)}`, width, height: Math.ceil(height), role: pick ? 'group' : 'img', 'aria-label': name,
}, ...children);

// hiddenTable is a chart's figures for those who do not see it.
export function hiddenTable(caption: string, head: string[], rows: (string | { text: string; value: number | null })[][]): HTMLElement {
  return h('div', { class: 'hidden' }, h('table', null, h('caption', null, caption),
    h('thead', null, h('tr', null, head.map((text) => h('th', { scope: 'col' }, text)))),
    h('tbody', null, rows.map((row) => h('tr', null, row.map((cell, i) => {
      if (typeof cell === 'string') return i ? h('td', null, cell) : h('th', { scope: 'row' }, cell);
      return h('td', null, cell.value === null ? cell.text : h('data', { value: String(cell.value) }, cell.text));
    }))))));
}
