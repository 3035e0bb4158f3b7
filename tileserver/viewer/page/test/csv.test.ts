import './stub/browser';
import assert from 'node:assert/strict';
import test from 'node:test';
import { csv } from '../src/ask/csv';

const generation = '20240930-5f2c9a1b7de04c31';
const groups = [{ DLBM: '0101', features: 3, area_m2: 1500.25, net_m2: 1400.5 }, { DLBM: '0102', features: 4, area_m2: 2500.5, net_m2: null }];
const answer = {
  generation,
  aoi: { area_m2: 9000.75, area_mu: 13.501125 },
  layers: [
    { layer: 'cropland', features: 7, area_m2: 4000.75, area_mu: 6.001125, area_ha: 0.400075, patch_m2: 4000.8, net_m2: 3900.1, net_mu: 5.85015, groups },
    { layer: 'pbf', features: 2, area_m2: 3000.125, area_mu: 4.5001875, area_ha: 0.3000125, patch_m2: null, net_m2: 2900, net_mu: 4.35 },
    { layer: 'hsf', features: 1, area_m2: 12, area_mu: 0.018, area_ha: 0.0012, patch_m2: null, net_m2: null, net_mu: null },
  ],
  combinations: [{ inside: ['cropland'], area_m2: 1000.625 }, { inside: ['cropland', 'pbf'], area_m2: 3000.125 }, { inside: [], area_m2: 5000 }],
};

// rows reads RFC 4180.
function rows(text: string): string[][] {
  const out: string[][] = [[]];
  for (const m of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    if (m[0] === '') break;
    out.at(-1)?.push(m[1]?.replaceAll('""', '"') ?? m[2] ?? '');
    if (m[3] === '\r\n') out.push([]);
  }
  return out.filter((row) => row.length > 0);
}

test('the CSV holds every figure as it came, and is safe in a spreadsheet', () => {
  const text = csv([{ name: '甲', answer }, { name: '=乙', answer: null, problem: '坐标与坐标系不符' }], (name: string) => (name === 'pbf' ? '=1+"2"' : name));
  assert.ok(text.startsWith('\uFEFF'), 'a byte order mark');
  const [header = [], ...lines] = rows(text.slice(1));
  const records = lines.map((row) => new Map(header.map((name, k) => [name, row[k] ?? ''])));
  const of = (kind: string) => records.filter((r) => r.get('kind') === kind);
  const figures = (kind: string, field: string) => of(kind).map((r) => r.get(field));
  assert.deepEqual(['aoi', 'layer', 'class', 'combination'].map((kind) => of(kind).length), [1, 3, 2, 3]);
  assert.deepEqual(figures('aoi', 'area_m2'), ['9000.75']);
  assert.deepEqual(figures('layer', 'area_mu'), ['6.001125', '4.5001875', '0.018']);
  assert.deepEqual(figures('layer', 'area_ha'), ['0.400075', '0.3000125', '0.0012']);
  assert.deepEqual(figures('layer', 'net_m2'), ['3900.1', '2900', '']);
  assert.deepEqual(figures('class', 'area_m2'), ['1500.25', '2500.5']);
  assert.equal(figures('combination', 'area_m2').reduce((sum, n) => sum + Number(n), 0), answer.aoi.area_m2);
  assert.deepEqual(figures('layer', 'title'), ['cropland', '\'=1+"2"', 'hsf'], 'a title that is a formula gets an apostrophe');
  for (const r of records.filter((r) => r.get('kind') !== 'problem')) { assert.equal(r.get('generation'), generation); assert.equal(r.get('shape'), '甲'); }
  assert.deepEqual(of('problem').map((r) => [r.get('shape'), r.get('title')]), [["'=乙", '坐标与坐标系不符']], 'a shape without an answer says why');
});
