// Lines over years against a target.

import { h, svg, type Child } from '../core/dom';
import { area } from '../core/format';
import { t } from '../core/i18n';
import { chartBox, drawing, hiddenTable } from './box';
import { fix } from './scale';
import { pathOf, spread, thin, trendLayout, type Frame, type Series, type Trend } from './trend';

export type { Point, Series } from './trend';

export interface LineOptions {
  unit: string;
  target?: { label: string; value: number };
  label?: string; // of the drawing
  format?: (value: number) => string; // two decimals unless given
  zero?: boolean; // the axis begins at zero
}

// marks are the shapes of points, by series: they tell lines apart without colour.
const marks = [
  (x: number, y: number) => svg('circle', { cx: fix(x), cy: fix(y), r: 4 }),
  (x: number, y: number) => svg('rect', { x: fix(x - 3.6), y: fix(y - 3.6), width: 7.2, height: 7.2 }),
  (x: number, y: number) => svg('path', { d: `M${fix(x)} ${fix(y - 4.8)}L${fix(x + 4.6)} ${fix(y + 3.6)}H${fix(x - 4.6)}Z` }),
  (x: number, y: number) => svg('path', { d: `M${fix(x)} ${fix(y - 5)}L${fix(x + 5)} ${fix(y)}L${fix(x)} ${fix(y + 5)}L${fix(x - 5)} ${fix(y)}Z` }),
];

// line returns the chart. A value of null is a gap in its line. Where each line ends its
// value stands beside it; all values are in the table behind the drawing.
export function line(series: Series[], options: LineOptions): HTMLElement {
  const { unit, target, label = '', format = area } = options;
  if (!series.some((s) => s.points.some((p) => p.y !== null))) return h('p', { class: 'note' }, t('chart.none'));
  const xs = [...new Set(series.flatMap((s) => s.points.map((p) => p.x)))].sort();
  const at = (s: Series, x: string) => s.points.find((p) => p.x === x)?.y ?? null;
  const cell = (value: number | null) => ({ text: value === null ? t('chart.missing') : `${format(value)} ${unit}`, value });
  return chartBox('line', (width) => draw(series, width, options),
    h('ul', { class: 'chart-legend', 'aria-hidden': 'true' }, series.map((s, i) => h('li', null, sample(s, i), h('span', null, s.label))),
      target && h('li', null, svg('svg', { class: 'chart-key', width: 22, height: 12, viewBox: '0 0 22 12' }, svg('path', { d: 'M0 6H22', class: 'line-target' })), h('span', null, target.label))),
    hiddenTable(label, [t('chart.year'), ...series.map((s) => s.label), ...(target ? [target.label] : [])],
      xs.map((x) => [x, ...series.map((s) => cell(at(s, x))), ...(target ? [cell(target.value)] : [])])));
}

const sample = (s: Series, i: number): SVGSVGElement => svg('svg', { class: 'chart-key', width: 22, height: 12, viewBox: '0 0 22 12', 'aria-hidden': 'true' },
  svg('path', { d: 'M0 6H22', stroke: s.colour, class: s.dashed ? 'line-path line-dashed' : 'line-path' }), svg('g', { fill: s.colour, class: 'line-mark' }, marks[i % marks.length]?.(11, 6)));

function draw(series: Series[], width: number, { unit, target, label = '', format = area, zero }: LineOptions): SVGSVGElement {
  const frame: Frame = { width, height: width < 420 ? 200 : 230, left: 8, right: 16, top: 30, bottom: 26 };
  const widest = Math.max(...trendLayout(series, frame, target?.value ?? null, zero).ys.map((y) => short(y.value).length));
  frame.left = 10 + widest * 7;
  const trend = trendLayout(series, frame, target?.value ?? null, zero);
  return drawing(width, frame.height, label, false,
    svg('text', { x: 0, y: 12, class: 'chart-unit' }, unit), axes(trend, frame),
    trend.target !== null && target && svg('g', null, svg('path', { d: `M${frame.left} ${fix(trend.target)}H${width - frame.right}`, class: 'line-target' })),
    series.map((s, i) => lineOf(s, trend.lines[i]?.runs ?? [], i)), values(series, trend, frame, format));
}

function axes(trend: Trend, frame: Frame): Child[] {
  const shown = thin(trend.xs, 40);
  return [
    ...trend.ys.map(({ value, at }) => svg('g', { class: 'chart-axis' }, svg('path', { d: `M${frame.left} ${fix(at)}H${frame.width - frame.right}` }), svg('text', { x: frame.left - 6, y: fix(at + 4), 'text-anchor': 'end' }, short(value)))),
    ...shown.map(({ label, at }) => svg('text', { class: 'chart-tick', x: fix(Math.min(at, frame.width - 18)), y: frame.height - 8, 'text-anchor': 'middle' }, label)),
  ];
}

function lineOf(s: Series, runs: Trend['lines'][number]['runs'], i: number): SVGGElement {
  return svg('g', null, runs.map((run) => svg('path', { d: pathOf(run), stroke: s.colour, class: s.dashed ? 'line-path line-dashed' : 'line-path' })),
    svg('g', { fill: s.colour, class: 'line-mark' }, runs.flatMap((run) => run.map((p) => svg('g', null, svg('title', null, `${s.label} ${p.x}: ${area(p.value)}`), marks[i % marks.length]?.(...p.at))))));
}

// values writes what each line ends with above its last point, or below where the line
// comes down to it.
function values(series: Series[], trend: Trend, frame: Frame, format: (v: number) => string): Child[] {
  const bottom = frame.height - frame.bottom;
  const ends = series.flatMap((s, i) => {
    const run = trend.lines[i]?.runs.at(-1) ?? [];
    const [before, p] = [run.at(-2), run.at(-1)];
    const falls = p && before && before.at[1] < p.at[1] - 4 && p.at[1] + 17 <= bottom;
    return p ? [{ s, p, y: p.at[1] + (falls ? 17 : -9) }] : [];
  });
  const ys = spread(ends.map(({ y }) => y), 15, 12, bottom);
  return ends.map(({ s, p }, i) => svg('text', { class: 'line-value', x: fix(Math.min(p.at[0] + 4, frame.width - 2)), y: fix(ys[i] ?? 0), 'text-anchor': 'end', fill: s.colour }, format(p.value)));
}

// short writes a value of an axis: thousands grouped, no more decimals than it needs.
const short = (v: number): string => new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 }).format(v);
