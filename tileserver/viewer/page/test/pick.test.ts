import './stub/browser';
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Map as GLMap } from 'maplibre-gl';
import { pickPlace } from '../src/ask/pick';

// map has one region, in which [1, 1] lies.
const map = {
  getStyle: () => ({ sources: { tiles: {} } }), getSource: () => ({ type: 'vector' }),
  querySourceFeatures: () => [{ geometry: { type: 'Polygon', coordinates: [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]] }, properties: { XZQDM: '610402' } }],
} as unknown as GLMap;

// The names of a click may come after the next click, or after the user has begun to draw. To
// offer places, pickPlace would need the page, which the stub has not.
test('places of a click are not offered once another was made', async (c) => {
  const asked: string[] = [];
  const click = new AbortController();
  c.mock.method(globalThis, 'fetch', (url: string) => {
    asked.push(new URL(url).search);
    click.abort();
    return Promise.resolve(Response.json({ places: [] }));
  });
  await pickPlace(map, [1, 1], click.signal, () => assert.fail('chosen'));
  assert.deepEqual(asked, ['?q=610402', '?q=6104', '?q=61']);
  await pickPlace(map, [1, 1], click.signal, () => assert.fail('chosen'));
  assert.equal(asked.length, 3);
});
