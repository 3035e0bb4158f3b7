// Builds the page: node build.mjs OUT writes what is embedded into OUT, which is emptied
// before; node build.mjs --test builds the tests and runs them.
//
// The same sources give the same bytes: in the names are hashes of the content, MapLibre's
// folder has its version, and nothing of the machine or the time is in them. So a name
// stands for one content, and a browser may keep it for good; index.html names them all.

import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const maplibre = join(here, 'node_modules/maplibre-gl');

const { version } = JSON.parse(await readFile(join(maplibre, 'package.json'), 'utf8'));
const folder = `maplibre-${version}`;

// own leaves MapLibre as the file that its package has: a browser keeps it while the page
// around it changes.
const own = {
  name: 'maplibre',
  setup(b) {
    b.onResolve({ filter: /^maplibre-gl$/ }, () => ({ path: `./${folder}/maplibre-gl.mjs`, external: true }));
    b.initialOptions.define = { ...b.initialOptions.define, maplibreFolder: JSON.stringify(folder) };
  },
};

// stubs gives modules under test what stands in test/stub for MapLibre and for the page's address.
const stubs = {
  name: 'stubs',
  setup(b) {
    b.onResolve({ filter: /^maplibre-gl$/ }, () => ({ path: join(here, 'test/stub/maplibre.ts') }));
    b.initialOptions.define = { 'import.meta.url': '"http://gengtu.test/viewer/main.js"', maplibreFolder: JSON.stringify(folder), roomSheet: '"rooms.css"' };
  },
};

const options = {
  absWorkingDir: here, bundle: true, format: 'esm', target: ['es2022', 'chrome120', 'firefox121', 'safari17'], charset: 'utf8', legalComments: 'none', logLevel: 'warning',
};

async function page(out) {
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, folder), { recursive: true });
  const named = { entryNames: '[name]-[hash]', chunkNames: '[name]-[hash]', outdir: out, minify: true, metafile: true };
  const sheet = await build({ ...options, ...named, entryPoints: ['css/main.css', 'css/rooms.css'] });
  const roomSheet = basename(builtFrom(sheet.metafile.outputs, 'css/rooms.css'));
  const script = await build({ ...options, ...named, entryPoints: { early: 'src/early.ts', main: 'src/main.ts' }, plugins: [own], splitting: true, define: { roomSheet: JSON.stringify(roomSheet) } });
  // The page on which a login ends is the server's: its script and its sheet have names that
  // stay, and share no file with the map's.
  await build({ ...options, entryPoints: { login: 'src/login.ts' }, outdir: out, minify: true });
  await build({ ...options, entryPoints: { login: 'css/login.css' }, outdir: out, minify: true });
  await writeFile(join(out, 'index.html'), await index(script.metafile.outputs, sheet.metafile.outputs));
  for (const file of ['maplibre-gl.mjs', 'maplibre-gl-worker.mjs', 'maplibre-gl.css']) {
    const text = await readFile(join(maplibre, 'dist', file), 'utf8');
    await writeFile(join(out, folder, file), text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'));
  }
  const inside = [...Object.keys(script.metafile.inputs), ...Object.keys(sheet.metafile.inputs)];
  for (const map of ['maplibre-gl.mjs.map', 'maplibre-gl-worker.mjs.map']) inside.push(...JSON.parse(await readFile(join(maplibre, 'dist', map), 'utf8')).sources);
  await licences(join(out, 'LICENCES.txt'), new Set(['maplibre-gl', ...inside.flatMap(packageOf)]));
}

// builtFrom is the name of the output that has this file as its entry.
const builtFrom = (outputs, entry) => Object.keys(outputs).find((name) => outputs[name].entryPoint === entry);

// index returns index.html with the names of what was built, and with all that its scripts
// import at once: the browser asks for it before it has read them.
async function index(scripts, sheets) {
  const needed = new Set();
  const follow = (name) => {
    for (const { path, kind, external } of scripts[name].imports) {
      if (kind !== 'import-statement' || external || needed.has(path)) continue;
      needed.add(path);
      follow(path);
    }
  };
  const [early, main] = ['src/early.ts', 'src/main.ts'].map((entry) => builtFrom(scripts, entry));
  for (const name of [early, main]) follow(name);
  const preload = [`${folder}/maplibre-gl.mjs`, ...[...needed].sort().map((name) => basename(name))];
  const fill = {
    'viewer/early.js': `viewer/${basename(early)}`,
    'viewer/main.js': `viewer/${basename(main)}`,
    'viewer/main.css': `viewer/${basename(builtFrom(sheets, 'css/main.css'))}`,
    'viewer/maplibre/': `viewer/${folder}/`,
    '<!-- modulepreload -->': preload.map((name) => `<link rel="modulepreload" href="viewer/${name}">`).join('\n  '),
  };
  let text = await readFile(join(here, 'index.html'), 'utf8');
  for (const [from, to] of Object.entries(fill)) {
    if (!text.includes(from)) throw new Error(`index.html has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text.replace(/\n\s+/g, '\n');
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
