import './stub/browser';
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ErrorEvent, Map as GLMap } from 'maplibre-gl';
import { setLang, t } from '../src/core/i18n';
import { forget, lost, passing, recover } from '../src/map/recover';
import { toast } from '../src/shell/messages';

// Box stands for what the page's toast is made of.
class Box {
  hidden = true;
  className = '';
  children: Box[] = [];
  constructor(public textContent = '') {}
  append(...more: (Box | string)[]): void { this.children.push(...more.map((m) => (typeof m === 'string' ? new Box(m) : m))); }
  replaceChildren(...to: Box[]): void { this.children = to; }
  contains(other: Box): boolean { return this.children.includes(other); }
  setAttribute(): void { /* nobody reads it */ }
  addEventListener(): void { /* nobody presses it */ }
  get said(): string { return this.hidden ? '' : this.children[0]?.children[0]?.textContent ?? ''; }
}

// FakeMap has the tiles that it was asked for again, and tells what a test has happen.
class FakeMap {
  asked: string[] = [];
  private readonly listeners: Record<string, Set<() => void>> = {};
  getSource = (): object => ({});
  refreshTiles(source: string, tiles: { z: number; x: number; y: number }[]): void { for (const { z, x, y } of tiles) this.asked.push(`${source}/${z}/${x}/${y}`); }
  triggerRepaint = (): void => undefined;
  on(name: string, fn: () => void): void { (this.listeners[name] ??= new Set()).add(fn); }
  off(name: string, fn: () => void): void { this.listeners[name]?.delete(fn); }
  happen(name: string): void { for (const fn of [...this.listeners[name] ?? []]) fn(); }
}

const failing = (status: number | undefined, x = 1): ErrorEvent => ({ error: Object.assign(new Error('tile'), status === undefined ? {} : { status }), sourceId: 's', tile: { tileID: { canonical: { z: 3, x, y: 2 } } } }) as unknown as ErrorEvent;

setLang('zh');
const [away, back, missing] = [t('error.tiles.away'), t('error.tiles.back'), t('error.tiles')];

// The page: its toast, all that it said, and the server, which answers with a status, 0 for not at all.
const box = new Box();
const said: string[] = [];
const server = { status: 503, asked: 0 };
let timers: (() => void)[] = [];
box.replaceChildren = (...to) => { box.children = to; said.push(to[0]?.children[0]?.textContent ?? ''); };
Object.assign(document, { createElement: () => new Box(), getElementById: () => box });
const realTimeout = globalThis.setTimeout;

test.before(() => {
  // The message's own end, which shuts it, never comes here; a pause may be as long.
  globalThis.setTimeout = ((fn: () => void) => { if (fn.name !== 'close') timers.push(fn); return 0; }) as unknown as typeof setTimeout;
  globalThis.fetch = () => {
    server.asked++;
    return server.status ? Promise.resolve(new Response('{}', { status: server.status })) : Promise.reject(new TypeError('failed'));
  };
});
test.after(() => { globalThis.setTimeout = realTimeout; });

// settle lets promises go on; later has the pauses that run be over.
const settle = async () => { for (let i = 0; i < 50; i++) await new Promise((done) => { setImmediate(done); }); };
const later = async () => { const due = timers; timers = []; for (const fn of due) fn(); await settle(); };
const fail = (map: FakeMap, x = 1) => { const e = failing(503, x); assert.ok(passing(e)); recover(map as unknown as GLMap, e); };
const of = (map: FakeMap): GLMap => map as unknown as GLMap;

// Each test begins with a page that waits for nothing and says nothing, and a server that is there.
const maps: FakeMap[] = [];
const newMap = (): FakeMap => { const made = new FakeMap(); maps.push(made); return made; };
test.beforeEach(() => {
  server.status = 200;
  box.hidden = true;
  said.length = 0;
});
test.afterEach(async () => {
  for (const map of maps.splice(0)) forget(of(map));
  await settle();
  assert.equal(timers.length, 0, 'nothing is waited for any more');
});

// giveUp has a tile fail twice while the server is there.
async function giveUp(map: FakeMap): Promise<void> {
  fail(map);
  await later();
  fail(map);
  await later();
  map.happen('idle');
  await settle();
}

test('a tile may come later where there was no answer, or one that says so', () => {
  const later = [0, 429, 502, 503, 504, 500, 501, 404, 400, undefined].map((status) => passing(failing(status)));
  assert.deepEqual(later, [true, true, true, true, true, false, false, false, false, false]);
});

test('a tile is asked for again once the server answers, and that is said where the message still stands', async () => {
  const map = newMap();
  server.status = 503;
  for (let i = 0; i < 3; i++) fail(map);
  fail(map, 2);
  assert.deepEqual([box.said, said.length], [away, 1]);
  await later();
  assert.deepEqual([box.said, map.asked], [away, []]);
  server.status = 200;
  await later();
  assert.deepEqual(map.asked, ['s/3/1/2', 's/3/2/2'], 'each once');
  map.happen('idle');
  await settle();
  assert.equal(box.said, back);
  fail(map);
  toast('something else');
  await later();
  map.happen('idle');
  await settle();
  assert.deepEqual([box.said, map.asked.length], ['something else', 3]);
});

test('a map that is taken away while its tiles come is not waited for', async () => {
  const [one, two] = [newMap(), newMap()];
  fail(one);
  fail(two);
  await later();
  one.happen('idle');
  await settle();
  assert.equal(box.said, away);
  forget(of(two));
  two.happen('remove');
  await settle();
  assert.equal(box.said, back);
});

test('a tile that fails once more because the server went away again is asked for once more', async () => {
  const map = newMap();
  fail(map);
  await later();
  fail(map);
  server.status = 0;
  await later();
  server.status = 200;
  await later();
  map.happen('idle');
  await settle();
  assert.deepEqual([map.asked.length, box.said], [2, back]);
});

test('a tile that fails once more while the server answers is given up, which is said once', async () => {
  const map = newMap();
  await giveUp(map);
  assert.deepEqual([map.asked.length, box.said], [1, missing]);
  const before = said.length;
  for (let i = 0; i < 3; i++) {
    fail(map);
    await later();
    map.happen('idle');
    await settle();
  }
  assert.deepEqual([said.length, map.asked.length], [before, 1], 'nothing more is said or asked for');
});

test('a tile that is given up is asked for again after the server was away, and that is said', async () => {
  const map = newMap();
  await giveUp(map);
  server.status = 0;
  fail(map);
  await later();
  assert.deepEqual([box.said, map.asked.length], [away, 1]);
  server.status = 200;
  await later();
  assert.equal(map.asked.length, 2);
  map.happen('idle');
  await settle();
  assert.equal(box.said, back);
  fail(map);
  assert.equal(box.said, away, 'it is like any other again');
  await later();
  map.happen('idle');
  await settle();
  assert.equal(box.said, back);
});

test('a tile that is given up says nothing of the others, which come', async () => {
  const map = newMap();
  await giveUp(map);
  fail(map, 2);
  assert.equal(box.said, away);
  await later();
  map.happen('idle');
  await settle();
  assert.deepEqual([map.asked, box.said], [['s/3/1/2', 's/3/2/2'], back]);
});

test('a tile that fails while it is looked for the server on behalf of one given up is said to be waited for', async () => {
  const map = newMap();
  await giveUp(map);
  fail(map);
  assert.equal(box.said, missing);
  fail(map, 2);
  assert.equal(box.said, away);
  await later();
  map.happen('idle');
  await settle();
  assert.equal(box.said, back);
});

test('a tile that is given up while others are on their way is told of at their end', async () => {
  const map = newMap();
  fail(map);
  await later();
  fail(map);
  fail(map, 2);
  await later(); // the first is given up, the second asked for, and the map has not drawn yet
  assert.equal(box.said, away);
  fail(map, 3);
  await later();
  map.happen('idle');
  await settle();
  assert.equal(box.said, missing);
});

test('a tile that is given up and comes after an absence is not told of', async () => {
  const map = newMap();
  fail(map);
  await later();
  fail(map);
  fail(map, 2);
  await later(); // the first is given up, and the map has not drawn yet
  server.status = 0;
  fail(map, 3);
  await later();
  server.status = 200;
  await later();
  map.happen('idle');
  await settle();
  assert.deepEqual([map.asked, box.said], [['s/3/1/2', 's/3/2/2', 's/3/1/2', 's/3/3/2'], back]);
});

test('what the server fails in is said once, what is given up each time', async () => {
  const map = newMap();
  lost();
  said.length = 0;
  lost();
  assert.deepEqual(said, []);
  await giveUp(map);
  assert.equal(box.said, missing);
});

test('a refusal ends the waiting, and the hole in the map is said', async () => {
  for (const status of [401, 403, 404, 410]) {
    const map = newMap();
    server.status = status;
    const asked = server.asked;
    fail(map);
    assert.equal(box.said, away);
    await later();
    await later();
    assert.deepEqual([server.asked - asked, map.asked, box.said], [1, [], missing], String(status));
  }
});
