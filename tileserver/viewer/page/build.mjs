// Builds the page: node build.mjs OUT writes what is embedded into OUT, which is emptied
// before; node build.mjs --test builds the tests and runs them.
//
// The same sources give the same bytes: names of chunks are hashes of their content, and
// nothing of the machine or the time is in them.

import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const maplibre = join(here, 'node_modules/maplibre-gl');

// own leaves MapLibre as the file that its package has: a browser keeps it while the page
// around it changes.
const own = {
  name: 'maplibre',
  setup(b) {
    b.onResolve({ filter: /^maplibre-gl$/ }, () => ({ path: './maplibre/maplibre-gl.mjs', external: true }));
  },
};

const options = {
  absWorkingDir: here, bundle: true, format: 'esm', target: ['es2022', 'chrome120', 'firefox121', 'safari17'], charset: 'utf8', legalComments: 'none', logLevel: 'warning',
};

async function page(out) {
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, 'maplibre'), { recursive: true });
  await build({ ...options, entryPoints: { main: 'src/main.ts' }, outdir: out, plugins: [own], splitting: true, minify: true, chunkNames: '[name]-[hash]' });
  await build({ ...options, entryPoints: { main: 'css/main.css' }, outdir: out, minify: true });
  await cp(join(here, 'index.html'), join(out, 'index.html'));
  for (const file of ['maplibre-gl.mjs', 'maplibre-gl-worker.mjs', 'maplibre-gl.css', 'maplibre-gl-shared.mjs']) {
    const text = await readFile(join(maplibre, 'dist', file), 'utf8').catch(() => null);
    if (text !== null) await writeFile(join(out, 'maplibre', file), text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'));
  }
  await licences(join(out, 'LICENCES.txt'));
}

// licences writes the licence of each package whose code is in the page.
async function licences(file) {
  const { dependencies } = JSON.parse(await readFile(join(here, 'package.json'), 'utf8'));
  const parts = [];
  for (const name of Object.keys(dependencies).sort()) {
    const root = join(here, 'node_modules', name);
    const { version, license } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    const own = (await readdir(root)).find((f) => /^licen[cs]e/i.test(f));
    if (!own) throw new Error(`${name}: no licence file`);
    parts.push(`${name} ${version} (${license})\n\n${(await readFile(join(root, own), 'utf8')).trim()}\n`);
  }
  await writeFile(file, parts.join(`\n${'-'.repeat(72)}\n\n`));
}

async function tests() {
  const out = await mkdtemp(join(tmpdir(), 'gengtu-page-'));
  try {
    const files = (await readdir(join(here, 'test'))).filter((f) => f.endsWith('.test.ts'));
    await build({ ...options, entryPoints: files.map((f) => join('test', f)), outdir: out, platform: 'node', target: 'node18.19', outExtension: { '.js': '.mjs' } });
    return spawnSync(process.execPath, ['--test', ...files.map((f) => join(out, f.replace(/\.ts$/, '.mjs')))], { stdio: 'inherit' }).status ?? 1;
  } finally {
    await rm(out, { recursive: true });
  }
}

if (process.argv[2] === '--test') process.exitCode = await tests();
else if (process.argv[2]) await page(join(process.cwd(), process.argv[2]));
else throw new Error('node build.mjs OUT | --test');
