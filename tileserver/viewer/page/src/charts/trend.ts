// Where the points, axes and the target of a trend lie. Nothing here touches the page.

import { fix, ticks } from './scale';

export interface Point { x: string; y: number | null }
export interface Series { label: string; points: Point[]; colour: string; dashed?: boolean }

export interface Frame { width: number; height: number; left: number; right: number; top: number; bottom: number }

// Trend is a trend laid out, in pixels, y downwards.
export interface Trend {
  xs: { label: string; at: number }[]; // all x that series have, in order
  ys: { value: number; at: number }[]; // lines of the axis, from the foot
  lines: { runs: { x: string; value: number; at: [number, number] }[][] }[]; // a run ends where a value is missing
  target: number | null; // y of the target's line
}

// trendLayout lays series out in a frame. x are taken in the order of their text, each as
// wide as the other, but years (of four digits all) at their distance. Values and the
// target lie within the axis, which begins at zero where `zero` is given or values come
// near to it, else close below the least.
export function trendLayout(series: Series[], frame: Frame, target: number | null = null, zero = false): Trend {
  const names = [...new Set(series.flatMap((s) => s.points.map((p) => p.x)))].sort();
  const values = series.flatMap((s) => s.points.flatMap((p) => (p.y === null ? [] : [p.y]))).concat(target ?? []);
  const place = across(names, frame);
  const [low, high] = bounds(values, zero);
  const axis = ticks(low, high);
  const [foot, head] = [axis[0] ?? 0, axis.at(-1) ?? 1];
  const up = (v: number) => frame.height - frame.bottom - ((v - foot) / (head - foot)) * (frame.height - frame.top - frame.bottom);
  return {
    xs: names.map((label) => ({ label, at: place(label) })),
    ys: axis.map((value) => ({ value, at: up(value) })),
    lines: series.map((s) => ({ runs: runsOf(s.points, place, up) })),
    target: target === null ? null : up(target),
  };
}

// bounds are the least and the largest that an axis has to hold.
function bounds(values: number[], zero: boolean): [number, number] {
  if (!values.length) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (zero || (low >= 0 && low < high / 2)) return [Math.min(0, low), high];
  const room = (high - low) * 0.15 || Math.abs(high) * 0.02 || 1;
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

// across returns where an x lies; one alone lies in the middle.
function across(names: string[], { width, left, right }: Frame): (x: string) => number {
  const years = names.every((n) => /^\d{4}$/.test(n));
  const at = new Map(names.map((n, i) => [n, years ? Number(n) : i]));
  const [first, last] = [at.get(names[0] ?? '') ?? 0, at.get(names.at(-1) ?? '') ?? 0];
  const room = width - left - right;
  return (x) => (last > first ? left + (((at.get(x) ?? first) - first) / (last - first)) * room : left + room / 2);
}

function runsOf(points: Point[], across: (x: string) => number, up: (v: number) => number): Trend['lines'][number]['runs'] {
  const runs: Trend['lines'][number]['runs'] = [];
  let open = false;
  for (const p of [...points].sort((a, b) => (a.x < b.x ? -1 : a.x > b.x ? 1 : 0))) {
    if (p.y === null) { open = false; continue; }
    if (!open) runs.push([]);
    runs.at(-1)?.push({ x: p.x, value: p.y, at: [across(p.x), up(p.y)] });
    open = true;
  }
  return runs;
}

// pathOf returns the path through the points of a run.
export const pathOf = (run: { at: [number, number] }[]): string => run.map(({ at: [x, y] }, i) => `${i ? 'L' : 'M'}${fix(x)} ${fix(y)}`).join('');

// spread moves labels along y so that none is closer than gap to the next, in their order,
// and all lie within [low, high] where there is room for them.
export function spread(wanted: number[], gap: number, low: number, high: number): number[] {
  const order = wanted.map((y, i) => ({ y, i })).sort((a, b) => a.y - b.y);
  const out: number[] = Array.from({ length: wanted.length }, () => 0);
  let floor = low;
  for (const o of order) { out[o.i] = Math.max(o.y, floor); floor = (out[o.i] ?? 0) + gap; }
  let ceiling = high;
  for (const o of order.reverse()) { out[o.i] = Math.min(out[o.i] ?? 0, ceiling); ceiling = (out[o.i] ?? 0) - gap; }
  return out;
}

// thin keeps of places along an axis so many that none is closer than gap pixels to the
// next; the last stays.
export function thin<T extends { at: number }>(all: T[], gap: number): T[] {
  const out: T[] = [];
  for (const one of [...all].reverse()) {
    const before = out.at(-1);
    if (!before || before.at - one.at >= gap) out.push(one);
  }
  return out.reverse();
}
