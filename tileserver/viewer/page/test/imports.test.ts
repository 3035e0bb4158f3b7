// What imports what among the page's modules: nothing comes back to where it began, be it by
// types alone or by what is loaded when it is asked for.

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
