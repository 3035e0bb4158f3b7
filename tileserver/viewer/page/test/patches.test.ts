import './stub/browser';
import assert from 'node:assert/strict';
import test from 'node:test';
import { stayed } from '../src/dashboard/patches';

const square = { type: 'Polygon' as const, coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] };
const of = (properties: object) => ({ geometry: square, properties });

test('a patch that got another code is one patch of its flow', () => {
  const found = stayed([
    of({ id: 1, change: 'attribute', key: 'a', from_class: '0101', to_class: '0702' }),
    of({ id: 2, change: 'removed', key: 'b', from_class: '0102', from_area_m2: 5, same_ground: 3 }),
    of({ id: 3, change: 'added', key: 'c', to_class: '1104', same_ground: 2 }),
    of({ id: 4, change: 'removed', key: 'd', from_class: '0103' }),
    of({ id: 5, change: 'added', key: 'e', to_class: '0301' }),
    of({ id: 6, change: 'removed', key: 'f', from_class: '0103', same_ground: 99 }),
  ]);
  assert.deepEqual(found.map(({ properties: p }) => [p.key, p.from_class, p.to_class, p.from_area_m2]), [['a', '0101', '0702', undefined], ['c', '0102', '1104', 5]]);
});
