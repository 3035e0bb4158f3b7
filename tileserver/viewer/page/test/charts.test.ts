// The arithmetic of charts: nothing is drawn here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ribbonPath, sankeyLayout, type Flow } from '../src/charts/flows';
import { hatch, hatchings, largest, shareOf, ticks } from '../src/charts/scale';
import { pathOf, spread, thin, trendLayout } from '../src/charts/trend';

const near = (a: number, b: number, what: string) => assert.ok(Math.abs(a - b) < 1e-6, `${what}: ${a}, want ${b}`);

// numbers of a seed, so that each run looks at the same.
function* random(seed: number): Generator<number, never> {
  for (let s = seed; ; ) { s = (s * 1103515245 + 12345) % 2147483648; yield s / 2147483648; }
}

void test('a bar fills its share; what is missing, below zero or no number fills nothing', () => {
  assert.equal(shareOf(3, 12), 0.25);
  for (const [v, max] of [[null, 5], [-1, 5], [Number.NaN, 5], [5, 0], [0, 0]] as const) assert.equal(shareOf(v, max), 0);
  assert.equal(shareOf(9, 5), 1);
  assert.equal(largest([null, 3, Number.NaN, -7, 2]), 3);
  assert.equal(largest([]), 0);
});

void test('an axis holds what it is of, by one step', () => {
  const next = random(7);
  for (let n = 0; n < 300; n++) {
    const low = (next.next().value - 0.3) * 10 ** Math.floor(next.next().value * 9);
    const high = low + next.next().value * Math.abs(low || 1);
    const all = ticks(low, high);
    assert.ok(all.length >= 2 && all.length <= 12, `${low} to ${high}: ${all.join(' ')}`);
    const [first = 0, second = 0] = all;
    const step = second - first;
    assert.ok(first <= low + step * 1e-6 && (all.at(-1) ?? 0) >= high - step * 1e-6, `${low} to ${high}: ${all.join(' ')}`);
    for (let i = 1; i < all.length; i++) near(((all[i] ?? 0) - (all[i - 1] ?? 0)) / step, 1, 'one step');
  }
});

void test('an axis of one value', () => {
  assert.deepEqual(ticks(0, 0), [0, 0.25]);
  assert.ok(ticks(5, 5).length >= 2);
});

void test('hatchings stay inside of their box and differ', () => {
  const box = { x: 10, y: 20, width: 37, height: 26 };
  const seen = new Set<string>();
  for (let kind = 0; kind < hatchings; kind++) {
    const d = hatch(kind, box);
    seen.add(d);
    const numbers = d.match(/-?[\d.]+/g)?.map(Number) ?? [];
    numbers.forEach((v, i) => {
      const [low, high] = i % 2 ? [20, 46] : [10, 47];
      assert.ok(v >= low && v <= high, `kind ${kind}: ${v} is outside of ${low} to ${high}`);
    });
  }
  assert.equal(seen.size, hatchings);
});

const frame = { width: 400, height: 200, left: 40, right: 10, top: 20, bottom: 30 };

void test('a trend keeps gaps, places years at their distance and holds its target', () => {
  const laid = trendLayout([
    { label: 'a', colour: '', points: [{ x: '2024', y: 70 }, { x: '2019', y: 90 }, { x: '2020', y: null }, { x: '2021', y: 80 }] },
  ], frame, 120);
  assert.deepEqual(laid.xs.map((x) => x.label), ['2019', '2020', '2021', '2024']);
  assert.deepEqual(laid.xs.map((x) => x.at), [40, 110, 180, 390]);
  assert.deepEqual(laid.lines[0]?.runs.map((run) => run.map((p) => p.x)), [['2019'], ['2021', '2024']]);
  const up = (v: number) => { const [a, b] = [laid.ys[0], laid.ys.at(-1)]; assert.ok(a && b); return a.at + ((v - a.value) / (b.value - a.value)) * (b.at - a.at); };
  for (const run of laid.lines[0]?.runs ?? []) for (const p of run) near(p.at[1], up(p.value), 'height in proportion');
  assert.ok(laid.target !== null);
  near(laid.target, up(120), 'the target by the same scale');
  for (const y of laid.ys) assert.ok(y.at >= 20 - 1e-9 && y.at <= 170 + 1e-9);
  assert.equal(pathOf([{ at: [1, 2] }, { at: [3, 4.567] }]), 'M1 2L3 4.57');
});

void test('vintages that are no years stand at equal distance, one alone in the middle', () => {
  const points = ['2024Q1', '2024Q2', '2024Q4'].map((x) => ({ x, y: 1 }));
  assert.deepEqual(trendLayout([{ label: '', colour: '', points }], frame).xs.map((x) => x.at), [40, 215, 390]);
  assert.deepEqual(trendLayout([{ label: '', colour: '', points: [{ x: '2024', y: 5 }] }], frame).xs.map((x) => x.at), [215]);
});

void test('labels of values keep apart, and those of an axis, of which the last stays', () => {
  const out = spread([50, 52, 51, 190], 15, 12, 180);
  const sorted = [...out].sort((a, b) => a - b);
  for (let i = 1; i < sorted.length; i++) assert.ok((sorted[i] ?? 0) - (sorted[i - 1] ?? 0) >= 15 - 1e-9, out.join(' '));
  assert.ok(Math.max(...out) <= 180);
  assert.ok((out[0] ?? 0) < (out[2] ?? 0) && (out[2] ?? 0) < (out[1] ?? 0), 'in their order');
  assert.deepEqual(thin([0, 10, 39, 50].map((at) => ({ at })), 12).map((o) => o.at), [10, 50]);
});

const sankeyFrame = { width: 500, height: 300, node: 10, gap: 12, left: 80, right: 80 };

// checkSankey holds a layout against its flows: in = out = height at each node, one scale,
// nothing on something else, everything within the drawing.
function checkSankey(flows: Flow[]): void {
  const laid = sankeyLayout(flows, sankeyFrame);
  const sum = (of: Flow[]) => of.reduce((a, f) => a + f.value, 0);
  const drawn = flows.filter((f) => f.value > 0);
  assert.equal(laid.ribbons.length, drawn.length);
  const scale = laid.ribbons[0] ? laid.ribbons[0].height / laid.ribbons[0].flow.value : 0;
  for (const r of laid.ribbons) near(r.height, r.flow.value * scale, 'ribbon by the one scale');
  for (const side of ['from', 'to'] as const) {
    const nodes = laid.nodes.filter((n) => n.side === side);
    near(nodes.reduce((a, n) => a + n.value, 0), sum(drawn), `all of ${side}`);
    let floor = -1e-6;
    for (const n of nodes) {
      near(n.value, sum(drawn.filter((f) => f[side] === n.name)), `${n.name}: what goes through`);
      near(n.height, n.value * scale, `${n.name}: height by the one scale`);
      assert.ok(n.y >= floor, `${n.name} lies on the node before`);
      floor = n.y + n.height + sankeyFrame.gap - 1e-6;
      const own = laid.ribbons.filter((r) => r.flow[side] === n.name).map((r) => ({ at: side === 'from' ? r.y0 : r.y1, size: r.height })).sort((a, b) => a.at - b.at);
      let at = n.y;
      for (const o of own) { near(o.at, at, `${n.name}: ribbons fill it without overlap`); at += o.size; }
      near(at, n.y + n.height, `${n.name}: ribbons fill it`);
    }
    assert.ok(floor - sankeyFrame.gap <= laid.height + 1e-3, `${side} ends within the drawing`);
  }
}

void test('a Sankey diagram conserves what flows', () => {
  checkSankey([{ from: 'a', to: 'x', value: 5 }, { from: 'a', to: 'y', value: 3 }, { from: 'b', to: 'x', value: 2 }, { from: 'c', to: 'z', value: 0 }]);
  const next = random(11);
  for (let n = 0; n < 100; n++) {
    const flows = Array.from({ length: 1 + Math.floor(next.next().value * 40) }, () => ({
      from: `f${Math.floor(next.next().value * 12)}`, to: `t${Math.floor(next.next().value * 9)}`, value: next.next().value ** 4 * 1e6,
    }));
    checkSankey(flows);
  }
});

void test('a Sankey diagram of nothing, of one flow, and of the same class on both sides', () => {
  assert.deepEqual(sankeyLayout([], sankeyFrame).nodes, []);
  checkSankey([{ from: 'a', to: 'a', value: 1 }]);
  checkSankey([{ from: 'a', to: 'a', value: 1 }, { from: 'a', to: 'b', value: 1 }, { from: 'b', to: 'a', value: 3 }]);
});

void test('the same flows give the same drawing, and a ribbon can be seen however small', () => {
  const flows = [{ from: 'a', to: 'x', value: 1e6 }, { from: 'a', to: 'y', value: 1 }];
  assert.deepEqual(sankeyLayout(flows, sankeyFrame), sankeyLayout(structuredClone(flows), sankeyFrame));
  const small = sankeyLayout(flows, sankeyFrame).ribbons[1];
  assert.ok(small && small.height < 0.5);
  const ends = /V([\d.]+)C/.exec(ribbonPath(small, 0, 100));
  assert.ok(Number(ends?.[1]) - small.y1 >= 0.49, 'half a pixel at least');
});
