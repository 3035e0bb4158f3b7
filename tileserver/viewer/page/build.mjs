// Builds the page: node build.mjs OUT writes what is embedded into OUT, which is emptied
// before; node build.mjs --test builds the tests and runs them.
//
// The same sources give the same bytes: names of chunks are hashes of their content, and
// nothing of the machine or the time is in them.

import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const maplibre = join(here, 'node_modules/maplibre-gl');

// own leaves MapLibre as the file that its package has: a browser keeps it while the page
// around it changes.
const own = {
  name: 'maplibre',
  setup(b) {
    b.onResolve({ filter: /^maplibre-gl$/ }, () => ({ path: './maplibre/maplibre-gl.mjs', external: true }));
  },
};

// stubs gives modules under test what stands in test/stub for MapLibre and for the page's address.
const stubs = {
  name: 'stubs',
  setup(b) {
    b.onResolve({ filter: /^maplibre-gl$/ }, () => ({ path: join(here, 'test/stub/maplibre.ts') }));
    b.initialOptions.define = { 'import.meta.url': '"http://gengtu.test/viewer/main.js"' };
  },
};

const options = {
  absWorkingDir: here, bundle: true, format: 'esm', target: ['es2022', 'chrome120', 'firefox121', 'safari17'], charset: 'utf8', legalComments: 'none', logLevel: 'warning',
};

async function page(out) {
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, 'maplibre'), { recursive: true });
  const script = await build({ ...options, entryPoints: { main: 'src/main.ts' }, outdir: out, plugins: [own], splitting: true, minify: true, chunkNames: '[name]-[hash]', metafile: true });
  const sheet = await build({ ...options, entryPoints: { main: 'css/main.css' }, outdir: out, minify: true, metafile: true });
  await cp(join(here, 'index.html'), join(out, 'index.html'));
  for (const file of ['maplibre-gl.mjs', 'maplibre-gl-worker.mjs', 'maplibre-gl.css', 'maplibre-gl-shared.mjs']) {
    const text = await readFile(join(maplibre, 'dist', file), 'utf8').catch(() => null);
    if (text !== null) await writeFile(join(out, 'maplibre', file), text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'));
  }
  const inside = [...Object.keys(script.metafile.inputs), ...Object.keys(sheet.metafile.inputs)];
  for (const map of ['maplibre-gl.mjs.map', 'maplibre-gl-worker.mjs.map']) inside.push(...JSON.parse(await readFile(join(maplibre, 'dist', map), 'utf8')).sources);
  await licences(join(out, 'LICENCES.txt'), new Set(['maplibre-gl', ...inside.flatMap(packageOf)]));
}

// packageOf returns the package that a source file belongs to, none for our own.
const packageOf = (source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.slice(1) ?? [];

// licences writes the licence of each package whose code is in the page, be it a part of a part.
async function licences(file, packages) {
  const parts = [];
  for (const name of [...packages].sort()) {
    const root = join(here, 'node_modules', name);
    const { version, license } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    parts.push(`${name} ${version} (${license})\n\n${(await licence(root)).trim()}\n`);
  }
  await writeFile(file, parts.join(`\n${'-'.repeat(72)}\n\n`));
}

// licence returns the text of a package's licence file, or of that part of its README.
async function licence(root) {
  const files = await readdir(root);
  const own = files.find((f) => /^licen[cs]e/i.test(f));
  if (own) return readFile(join(root, own), 'utf8');
  const readme = files.find((f) => /^readme/i.test(f));
  const text = readme && /^#+ *licen[cs]e[^]*/im.exec(await readFile(join(root, readme), 'utf8'))?.[0];
  if (!text) throw new Error(`${root}: no licence, neither as a file nor in a README`);
  return text;
}

async function tests() {
  const out = await mkdtemp(join(tmpdir(), 'gengtu-page-'));
  try {
    const files = (await readdir(join(here, 'test'))).filter((f) => f.endsWith('.test.ts'));
    await build({ ...options, entryPoints: files.map((f) => join('test', f)), outdir: out, plugins: [stubs], target: 'node18', platform: 'node', outExtension: { '.js': '.mjs' } });
    return spawnSync(process.execPath, ['--test', ...files.map((f) => join(out, f.replace(/\.ts$/, '.mjs')))], { stdio: 'inherit' }).status ?? 1;
  } finally {
    await rm(out, { recursive: true });
  }
}

if (process.argv[2] === '--test') process.exitCode = await tests();
else if (process.argv[2]) await page(resolve(process.argv[2]));
else throw new Error('node build.mjs OUT | --test');
