// The texts of the panel of services: code is code, and names the right addresses.

import './stub/browser';
import assert from 'node:assert/strict';
import test from 'node:test';
import { Script } from 'node:vm';
import { addresses, limit, programs, type Address } from '../src/share/addresses';
import type { Choice } from '../src/share/choice';

const base = 'https://host.test/map/secure';

const choices = (['w', 'c'] as const).flatMap((grid) => [['pbf'], ['cropland', 'hsf'], ['*']].flatMap((names) => ['', '2023'].flatMap((vintage) => ['', 'tk-0123 &\'"'].map((token): Choice => ({
  base, names: names[0] === '*' ? ['cropland', 'pbf', 'hsf', 'region'] : names, group: names[0] === '*', grid, vintage, token,
  centre: [108.64, 34.33], zoom: 13, maxzoom: 18, looks: { pbf: { fill: '#1f9650', opacity: 0.5, line: '#0f5f33' }, region: { fill: '#7b2236', opacity: 0, line: '#7b2236' } },
})))));

// recorder is anything that a library's name may stand for; it notes the texts that it is given.
function recorder(seen: string[]): object {
  const note = (value: unknown): void => {
    if (typeof value === 'string') seen.push(value);
    else if (Array.isArray(value)) value.forEach(note);
    else if (value && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) Object.values(value).forEach(note);
    else if (typeof value === 'function' && value !== any) { try { (value as (...a: unknown[]) => unknown)(any, any, any, any); } catch (e) { throw new Error(`a callback: ${String(e)}`); } }
  };
  const any: object = new Proxy(function stub() { /* stands for everything */ }, {
    get: (_, name) => (name === Symbol.toPrimitive ? () => '1' : name === 'then' ? undefined : any),
    apply: (_, __, args: unknown[]) => { note(args); return any; },
    construct: (_, args: unknown[]) => { note(args); return any; },
  });
  return any;
}

// run runs code with a recorder in the place of every library, and returns the addresses
// that the code gave to them.
function run(code: string): string[] {
  const seen: string[] = [];
  const any = recorder(seen);
  const then = { then: (fn: (v: unknown) => unknown) => { fn(any); return then; } };
  const names = ['maplibregl', 'ol', 'L', 'Cesium', 'map', 'require', 'fetch'];
  const own = new RegExp('^const map = ', 'm').test(code) ? names.filter((n) => n !== 'map') : names;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it is code to paste
  const fn = new Function(...own, code) as (...args: unknown[]) => void;
  fn(...own.map((n) => (n === 'fetch' ? (url: string) => { seen.push(url); return then; } : any)));
  return seen.filter((s) => s.startsWith('http'));
}

const texts = (c: Choice): (Address & { program: string })[] => programs.flatMap((program) => addresses(program, c).map((a) => ({ ...a, program })));

test('code parses, runs, and asks for one address of the tier, in the grid that is chosen', () => {
  let run_ = 0;
  for (const c of choices) {
    for (const a of texts(c).filter((x) => !x.type)) {
      const where = `${a.id} ${c.grid} ${c.names.join()} ${c.vintage} ${c.token}`;
      assert.doesNotThrow(() => new Script(a.text), where);
      assert.ok(!/undefined|NaN|\[object/.test(a.text), `${where}: ${a.text}`);
      const asked = run(a.text);
      assert.equal(asked.length, 1, `${where}: ${asked.join(' ')}`);
      const url = asked[0] ?? '';
      assert.ok(url.startsWith(`${base}/`), `${where}: ${url}`);
      const layers = c.group ? 'all' : c.names.join(',');
      const form = { maplibre: `tiles/${layers}/w`, openlayers: `/${c.grid}/`, leaflet: c.grid, cesium: '', supermap: `maps/${layers}_${c.grid}/zxyTileImage/{z}/{x}/{y}.png`, arcgis: '' }[a.program] ?? '';
      if (a.id.endsWith('-png')) assert.ok(url.startsWith(`${base}/tiles/${layers}/${c.grid}/{${a.program === 'cesium' ? 'level' : 'z'}}/{x}/{y}.png`), `${where}: ${url}`);
      else if (a.id === 'maplibre-source') assert.ok(url.startsWith(`${base}/tiles/${layers}/w.json`), url);
      else if (a.program === 'supermap') assert.ok(url.includes(form), url);
      else if (a.id.endsWith('-wmts')) assert.ok(url.startsWith(`${base}/wmts`) && a.text.includes(`'${c.grid}'`), url);
      run_++;
    }
  }
  assert.ok(run_ > 150, `${run_} pieces of code`);
});

test('vintage and token stand in each text that is asked for them, and the token in no other', () => {
  for (const c of choices) {
    for (const a of texts(c)) {
      const where = `${a.id} ${c.grid}: ${a.text}`;
      assert.equal(a.text.includes('tk='), c.token !== '' && !a.text.includes('customParameters'), where);
      assert.equal(a.text.includes('tk-0123'), c.token !== '', where);
      assert.equal(/vintage(=|: ')2023/.test(a.text), c.vintage !== '', where);
      if (a.type) {
        assert.ok(!/[ '"]/.test(a.text), where);
        const url = new URL(a.text.replace(/[{}]/g, ''));
        assert.equal(url.searchParams.get('tk') ?? '', c.token, where);
        assert.ok((a.text.match(/\?/g) ?? []).length <= 1, where);
      }
    }
  }
});

test('what a program cannot do in grid c is not offered, and said', () => {
  for (const c of choices.filter((x) => x.grid === 'c')) {
    assert.deepEqual(addresses('maplibre', c), []);
    assert.equal(limit('maplibre', c), 'share.limit.maplibre');
    assert.ok(addresses('qgis', c).every((a) => !a.text.includes('{z}')));
    assert.ok(limit('qgis', c));
    assert.ok(addresses('address', c).every((a) => !a.text.includes('style.json')));
    assert.ok(texts(c).every((a) => !a.text.includes('/w/')), 'no address of the other grid');
  }
  for (const c of choices.filter((x) => x.grid === 'w')) {
    assert.equal(limit('maplibre', c), undefined);
    assert.ok(addresses('maplibre', c).length >= 3);
    assert.ok(texts(c).every((a) => !a.text.includes('4490') && !a.text.includes('/c/')), 'no address of the other grid');
  }
  // WMTS knows one layer at a time: nothing of a group names one.
  for (const c of choices.filter((x) => x.group)) assert.ok(texts(c).every((a) => !/layer: 'all'|LAYER=all|wmts\/all/.test(a.text)));
});

test('code that draws vector tiles draws layers as their legends have them, outlines alone without a fill', () => {
  const of = (id: string, c: Choice | undefined) => (c && texts(c).find((a) => a.id === id)?.text) ?? '';
  const all = choices.find((c) => c.group && c.grid === 'w');
  assert.match(of('maplibre-source', all), /id: 'gengtu-pbf',[^}]*\{ 'fill-color': '#1f9650', 'fill-opacity': 0.5 \}/);
  assert.match(of('maplibre-source', all), /id: 'gengtu-region-line', type: 'line'/);
  assert.ok(!/id: 'gengtu-region',/.test(of('maplibre-source', all)));
  assert.match(of('openlayers-mvt', all), /'pbf': look\('rgba\(31, 150, 80, 0.5\)', '#0f5f33'\),\n.*\n {2}'region': look\('rgba\(123, 34, 54, 0\)'/);
});
