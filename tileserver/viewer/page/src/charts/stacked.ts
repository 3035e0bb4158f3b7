// One bar of parts that make up a whole, with a legend that has their figures.

import { h, svg } from '../core/dom';
import { area, percent } from '../core/format';
import { t } from '../core/i18n';
import { chartBox, drawing, hiddenTable, key } from './box';
import { fix, hatch, stackedLayout } from './scale';

export interface Part { label: string; value: number | null; colour: string }

// stacked returns the bar; the whole is the sum of the parts that have a value. Parts are
// told apart by colour, hatching and order, and named in the legend in the same order.
export function stacked(parts: Part[], { unit, label = '', format = area }: { unit: string; label?: string; format?: (value: number) => string }): HTMLElement {
  const sum = parts.reduce((a, p) => a + Math.max(0, p.value ?? 0), 0);
  if (!(sum > 0)) return h('p', { class: 'note' }, t('chart.none'));
  const height = 26;
  const draw = (width: number) => {
    const spans = stackedLayout(parts.map((p) => p.value), width);
    return drawing(width, height, label, false, parts.map((p, i) => {
      const { at = 0, size = 0 } = spans[i] ?? {};
      if (!(size > 0)) return null;
      const box = { x: at, y: 0, width: size, height };
      return svg('g', null, svg('rect', { x: fix(at), y: 0, width: fix(size), height, fill: p.colour, class: 'stack-part' }), svg('path', { d: hatch(i, box), class: 'chart-hatch' }));
    }));
  };
  const text = (p: Part) => (p.value === null ? t('chart.missing') : `${format(p.value)} ${unit}`);
  return chartBox('stacked', draw,
    h('ul', { class: 'chart-legend', 'aria-hidden': 'true' }, parts.map((p, i) => h('li', null, key(p.colour, i), h('span', null, p.label),
      h('span', { class: 'number' }, text(p), p.value !== null && h('small', null, ` ${percent(p.value, sum)}`))))),
    hiddenTable(label, [t('chart.label'), t('chart.value', { unit }), t('chart.share')], parts.map((p) => [p.label, { text: text(p), value: p.value }, p.value === null ? '—' : percent(p.value, sum)])));
}
