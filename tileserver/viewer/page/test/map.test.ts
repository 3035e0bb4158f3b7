import './stub/browser';
import assert from 'node:assert/strict';
import test from 'node:test';
import { readCompared, within, writeCompared } from '../src/compare/part';
import type { Map as GLMap } from 'maplibre-gl';
import { looking, setShape, shapeOf } from '../src/map/map';
import { drawingOrder, moved, placed, startOrder } from '../src/map/order';
import { drawnIn, pairAt, stepAt, stepsOf, ticksOf } from '../src/map/steps';

test('surveyed ground is lowest, places highest, themes between', () => assert.deepEqual(
  startOrder(['cropland', 'pbf', 'hsf', 'region', 'redline', 'dltb', 'urban']), ['dltb', 'cropland', 'pbf', 'hsf', 'redline', 'urban', 'region']));

const order = ['a', 'b', 'c', 'd'];

test('a layer is moved among those of the stack, over others', () => {
  const stack = new Set(['a', 'c', 'd']);
  assert.deepEqual(moved(order, stack, 'a', 1), ['c', 'b', 'a', 'd']);
  assert.deepEqual(moved(order, stack, 'd', -1), ['a', 'b', 'd', 'c']);
  for (const [name, by] of [['a', -1], ['d', 1], ['b', 1], ['x', 1]] as const) assert.deepEqual(moved(order, stack, name, by), order, `${name} ${by}`);
});

test('layers of an address take their own places in its order', () => {
  assert.deepEqual(placed(order, ['d', 'a']), ['d', 'b', 'c', 'a']);
  assert.deepEqual(placed(order, ['c', 'x', 'c', 'b']), ['a', 'c', 'b', 'd']);
  assert.deepEqual(placed(order, []), order);
});

test('areas lie under lines under names, each kind in the order of the layers', () => {
  const of = (id: string, ...types: string[]) => types.map((type) => ({ id: `${id}-${type}`, type }));
  const drawn = drawingOrder(['b', 'a'], new Map([['a', of('a', 'line', 'fill', 'symbol')], ['b', of('b', 'fill', 'line')], ['c', of('c', 'fill')]]));
  assert.deepEqual(drawn.map((s) => s.id), ['b-fill', 'a-fill', 'b-line', 'a-line', 'a-symbol']);
});

test('where each layer has the newest vintage, the last step is it', () => {
  const steps = stepsOf(['2024', '2023'], [['2024', '2023'], ['2024']]);
  assert.deepEqual(steps, [{ vintage: '2023', period: '2023' }, { vintage: '', period: '2024' }]);
  assert.deepEqual(['', '2024', '2023', '1999'].map((v) => stepAt(steps, v)), [1, 1, 0, -1]);
});

const mixed = stepsOf(['2024Q1', '2024', '2023'], [['2024', '2023'], ['2024Q1']]);

test('where they differ, the latest of each is a step of its own', () => {
  assert.deepEqual(mixed.map((s) => [s.vintage, s.period]), [['2023', '2023'], ['2024', '2024'], ['2024Q1', '2024Q1'], ['', '']]);
  assert.deepEqual(['', '2024Q1', '2024'].map((v) => stepAt(mixed, v)), [3, 2, 1]);
  assert.deepEqual(stepsOf([], []), []);
});

test('a comparison begins with the nearest step in which what is shown differs', () => {
  const own = ['2024', '2023']; // of the one layer that is shown
  const differ = (a: { vintage: string }, b: { vintage: string }) => {
    const [x, y] = [drawnIn(own, a.vintage), drawnIn(own, b.vintage)];
    return x !== undefined && y !== undefined && x !== y;
  };
  const pair = (at: number) => { const p = pairAt(mixed, at, differ); return p && [p.left.vintage, p.right.vintage]; };
  assert.deepEqual(pair(3), ['2023', ''], 'not 2024Q1, which it lacks, nor 2024, which is its latest');
  assert.deepEqual(pair(1), ['2023', '2024']);
  assert.deepEqual(pair(0), ['2023', '2024']);
  assert.deepEqual(pair(2), ['2024', '2024Q1'], 'nothing differs: the step beside it');
  assert.equal(pair(9), null);
  assert.equal(pairAt(mixed.slice(0, 1), 0, differ), null);
});

test('all steps are named, or the ends of many', () => assert.deepEqual([ticksOf(3, 8), ticksOf(20, 8)], [[0, 1, 2], [0, 19]]));

test('a comparison in an address', () => {
  for (const c of [{ left: '2023', right: '', at: 0 }, { left: '2024Q1', right: 'a,b c', at: 100 }]) {
    const text = writeCompared(c);
    assert.match(text, /^[^ ]*,[^ ]*,\d+$/);
    if (!c.right.includes(',')) assert.deepEqual(readCompared(decodeURIComponent(text)), c);
  }
  assert.deepEqual(readCompared('2023,2024'), { left: '2023', right: '2024', at: 50 });
  assert.deepEqual(readCompared('2023,2024,x'), { left: '2023', right: '2024', at: 50 });
  assert.deepEqual(readCompared('2023,2024,170'), { left: '2023', right: '2024', at: 100 });
  for (const text of [null, '', '2023', '2023,2023,50', '1,2,3,4']) assert.equal(readCompared(text), null, String(text));
  assert.deepEqual([-1, 49.6, 101].map(within), [0, 50, 100]);
});

// Two places, or a place and a feature, can be asked for before the first answer is there.
test('an answer that came late is not shown over what was asked for, shown or taken away after it', () => {
  const map = { getSource: () => undefined } as unknown as GLMap;
  const late = looking('selected');
  assert.ok(late());
  assert.ok(looking('aoi')());
  assert.ok(late(), 'another shape is no matter');
  const soon = looking('selected');
  assert.deepEqual([late(), soon()], [false, true]);
  setShape(map, 'selected', { type: 'Point', coordinates: [108, 34] });
  assert.equal(soon(), false);
  const next = looking('selected');
  setShape(map, 'selected', null);
  assert.equal(next(), false);
  assert.equal(shapeOf('selected'), null);
});
