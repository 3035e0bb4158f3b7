import { happen, origin, reloads, token } from './stub/browser';
import assert from 'node:assert/strict';
import test from 'node:test';
import type { StyleSpecification } from 'maplibre-gl';
import { authorize } from '../src/core/api';
import { fieldText } from '../src/core/format';
import { lang, onLang, setLang } from '../src/core/i18n';
import { readLayers, readView, writeLayers, writeView } from '../src/core/link';
import { scaled } from '../src/map/opacity';
import { absolute } from '../src/map/map';
import { roundLength } from '../src/map/status';

// An opacity of the style, whatever its form, times that of the reader.
const half = (value: unknown): unknown => scaled(value, 0.5);

test('opacity that the style leaves out', () => assert.equal(half(undefined), 0.5));
test('opacity, a number', () => assert.equal(half(0.8), 0.4));
test('opacity by zoom, interpolated', () => assert.deepEqual(
  half(['interpolate', ['linear'], ['zoom'], 5, 0.2, 9, 1]), ['interpolate', ['linear'], ['zoom'], 5, 0.1, 9, 0.5]));
test('opacity by zoom, stepped', () => assert.deepEqual(
  half(['step', ['zoom'], 0.2, 9, ['get', 'o']]), ['step', ['zoom'], 0.1, 9, ['*', 0.5, ['get', 'o']]]));
test('opacity by value', () => assert.deepEqual(
  half(['match', ['get', 'a'], 'b', 1, 0]), ['*', 0.5, ['match', ['get', 'a'], 'b', 1, 0]]));
test('opacity by stops', () => assert.deepEqual(half({ stops: [[5, 1], [9, 0.5]] }), { stops: [[5, 0.5], [9, 0.25]] }));

test('relative addresses', () => {
  const style = { glyphs: 'fonts/{fontstack}/{range}.pbf', sources: { a: { tiles: ['/t/{z}/{x}/{y}.mvt', 'https://h/{z}'] } } };
  assert.deepEqual(absolute(style as unknown as StyleSpecification, `${origin}/government/style.json?vintage=2024`), {
    glyphs: `${origin}/government/fonts/{fontstack}/{range}.pbf`, sources: { a: { tiles: [`${origin}/t/{z}/{x}/{y}.mvt`, 'https://h/{z}'] } },
  });
});

test('scale of 1', () => assert.equal(roundLength(1.99), 1));
test('scale of 2', () => assert.equal(roundLength(4999), 2000));
test('scale of 5', () => assert.equal(roundLength(50000), 50000));

test('the token for the own tier', () => assert.deepEqual(authorize(`${origin}/government/catalog`), { Authorization: `Bearer ${token}` }));
for (const [whom, address] of [
  ['another tier', `${origin}/public/catalog`],
  ['another host', 'https://example.com/government/catalog'],
  ['a host that begins like ours', `${origin}.example.com/government/catalog`],
  ['our name as a user', `${origin}@example.com/government/`],
  ['our tier by way of dots', `${origin}/government/../public/catalog`],
] as const) test(`no token for ${whom}`, () => assert.deepEqual(authorize(address), {}));

test('the token leaves the address', () => {
  assert.equal(location.href.includes(token), false);
  assert.equal(new URLSearchParams(location.search).get('tier'), 'government');
});

// Opening such a link in the tab that has the page changes the fragment alone.
test('a token in a link that is opened in the same tab leaves the address, and the page begins anew with it', () => {
  const before = location.href;
  location.hash = '#map=12.5/34.3/108.6&tk=tk-another';
  happen('hashchange');
  assert.equal(location.href.includes('tk-another'), false, location.href);
  assert.equal(sessionStorage.getItem('gengtu.token.government'), 'tk-another');
  assert.equal(reloads, 1);
  location.href = before;
  sessionStorage.setItem('gengtu.token.government', token);
});

test('a link', () => {
  assert.deepEqual(readView('12.5/34.3/108.6'), { zoom: 12.5, lon: 108.6, lat: 34.3 });
  assert.deepEqual([...readLayers('a,b:40,c:900') ?? []], [['a', 1], ['b', 0.4], ['c', 1]]);
});
test('a link that cannot be read', () => { assert.equal(readView('x/200/1'), null); assert.equal(readLayers(null), null); });
test('a link with nothing switched on', () => assert.equal(readLayers('')?.size, 0));
test('a link written is read as it was', () => {
  assert.deepEqual(readView(writeView({ zoom: 12.5, lon: 108.6, lat: 34.3 })), { zoom: 12.5, lon: 108.6, lat: 34.3 });
  assert.deepEqual(readLayers(writeLayers(new Map([['a', 1], ['b', 0.4]]))), new Map([['a', 1], ['b', 0.4]]));
});

test('what listens for the language is let go', () => {
  const heard: string[] = [];
  const leave = onLang(() => heard.push(lang()));
  setLang('en');
  leave();
  setLang('zh');
  assert.deepEqual(heard, ['zh', 'en']);
});

test('a slope grade', () => assert.equal(fieldText('GDPDJB', '2'), '2 · 2°–6°'));
test('a class that may be restored', () => assert.equal(fieldText('DLBM', '0201K'), '0201K · 果园（可调整）'));
test('a code is no number', () => assert.equal(fieldText('BSM', '610402200100000001'), '610402200100000001'));
test('an area that is none', () => assert.equal(fieldText('TBMJ', 'x'), 'x'));
