// What imports what among the page's modules and rooms: nothing comes back to where it began,
// be it by types alone or by what is loaded when it is asked for.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'node:test';

type Graph = Map<string, string[]>;

// importsOf are the modules of ours that a text imports, as they are written there.
const importsOf = (text: string): string[] => [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']*)'/g)].map(([, path = '']) => path);

// graphOf reads all modules of a folder: by name, what each imports.
function graphOf(root: string): Graph {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return new Map(files.map((file) => [file, importsOf(readFileSync(join(root, file), 'utf8')).map((path) => `${relative(root, join(root, dirname(file), path))}.ts`)]));
}

// circleOf returns the modules of a circle, the first again at its end; nothing where there is none.
function circleOf(graph: Graph): string[] {
  const done = new Set<string>();
  const follow = (name: string, way: string[]): string[] => {
    if (way.includes(name)) return [...way.slice(way.indexOf(name)), name];
    if (done.has(name)) return [];
    for (const next of graph.get(name) ?? []) {
      const circle = follow(next, [...way, name]);
      if (circle.length) return circle;
    }
    done.add(name);
    return [];
  };
  for (const name of graph.keys()) {
    const circle = follow(name, []);
    if (circle.length) return circle;
  }
  return [];
}

// rooms is the picture of the page: each room, a folder of src or a module beside them, with the
// rooms that its modules import. The lowest stand first: a room uses those above its line alone.
const rooms: Record<string, string> = {
  core: '',
  shell: 'core',
  charts: 'core',
  jobs: 'core',
  files: 'core shell',
  map: 'core shell',
  edition: 'core map shell',
  app: 'core map',
  print: 'app core edition shell',
  compare: 'app core map shell',
  feature: 'app core map shell',
  find: 'app core map shell',
  share: 'app core shell',
  ask: 'app core files jobs map print shell',
  analyses: 'app charts core files jobs map print shell',
  dashboard: 'app charts core jobs map print shell',
  words: 'analyses ask charts compare core dashboard edition feature files find map print share',
  main: 'analyses app ask compare core dashboard edition feature find map print share shell words',
  early: 'shell',
  login: 'core',
};

const roomOf = (name: string): string => name.replace(/\.ts$/, '').replace(/[/\\].*/, '');

// outOfPicture says what differs between the imports of modules and a table of rooms: rooms and
// imports that it lacks, what it has and is not so, and what it has in no order.
function outOfPicture(graph: Graph, table: Record<string, string>): string[] {
  const faults = new Set<string>();
  const used = new Set<string>();
  for (const [name, imported] of graph) {
    const from = roomOf(name);
    if (!(from in table)) faults.add(`${from}: a room that the table lacks`);
    for (const other of imported) {
      const to = roomOf(other);
      used.add(`${from} → ${to}`);
      if (to !== from && !table[from]?.split(' ').includes(to)) faults.add(`${name} imports ${other}: ${from} may not use ${to}`);
    }
  }
  const below = new Set<string>();
  for (const [room, list] of Object.entries(table)) {
    if (![...graph.keys()].some((name) => roomOf(name) === room)) faults.add(`${room}: no such room`);
    for (const other of list.split(' ').filter(Boolean)) {
      if (!used.has(`${room} → ${other}`)) faults.add(`${room} does not use ${other}`);
      if (!below.has(other)) faults.add(`${room} uses ${other}, which does not stand before it`);
    }
    below.add(room);
  }
  return [...faults];
}

const graph = graphOf('src');

test('imports of every form are seen', () => assert.deepEqual(
  importsOf("import { a } from './a';\nimport type {\n  B,\n} from '../b';\nimport './c';\nexport * from './d';\nconst e = await import('./e');\nlet f: typeof import('./f');\nimport g from 'g';"),
  ['./a', '../b', './c', './d', './e', './f']));

test('a circle is found, and none where there is none', () => {
  assert.deepEqual(circleOf(new Map([['a', ['b', 'd']], ['b', ['c']], ['c', ['d']], ['d', []]])), []);
  assert.deepEqual(circleOf(new Map([['a', ['b']], ['b', ['d', 'c']], ['c', ['b']], ['d', []]])), ['b', 'c', 'b']);
  assert.deepEqual(circleOf(new Map([['a', ['a']]])), ['a', 'a']);
});

test('every module that is imported is one of the page', () => {
  assert.ok(graph.has('main.ts') && graph.size > 50, `only ${graph.size} modules were read`);
  for (const [name, imported] of graph) for (const other of imported) assert.ok(graph.has(other), `${name} imports ${other}, which is not there`);
});

test('no modules import each other in a circle', () => assert.equal(circleOf(graph).join(' → '), ''));

test('rooms that differ from their table are found, and none where they are as it says', () => {
  const modules: Graph = new Map([['a/x.ts', ['a/y.ts']], ['a/y.ts', []], ['b/x.ts', ['a/x.ts']], ['c.ts', ['b/x.ts', 'a/y.ts']]]);
  assert.deepEqual(outOfPicture(modules, { a: '', b: 'a', c: 'a b' }), []);
  assert.deepEqual(outOfPicture(modules, { a: '', b: '', c: 'a b' }), ['b/x.ts imports a/x.ts: b may not use a']);
  assert.deepEqual(outOfPicture(modules, { a: '', b: 'a' }), ['c: a room that the table lacks', 'c.ts imports b/x.ts: c may not use b', 'c.ts imports a/y.ts: c may not use a']);
  assert.deepEqual(outOfPicture(modules, { a: '', b: 'a', d: '', c: 'a b d' }), ['d: no such room', 'c does not use d']);
  assert.deepEqual(outOfPicture(modules, { b: 'a', a: '', c: 'a b' }), ['b uses a, which does not stand before it']);
});

// What is loaded calls for words only once they are there.
test('the words come before any room', () => assert.equal(graph.get('main.ts')?.[0], 'words.ts'));

// Modules of two rooms can import each other's room without a circle of modules; a table whose
// lines use those above alone has no circle of rooms.
test('rooms import those that their table says, and it has an order', () => assert.deepEqual(outOfPicture(graph, rooms), []));
