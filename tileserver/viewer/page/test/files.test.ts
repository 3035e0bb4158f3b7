import assert from 'node:assert/strict';
import test from 'node:test';
import { deflateRawSync } from 'node:zlib';
import './inflate';
import type { Position } from 'geojson';
import { names } from '../src/files/dbf';
import { FileFault, limitsFrom, type Limits } from '../src/files/fault';
import { inDegrees, readGeoJSON } from '../src/files/geojson';
import { jsonFault } from '../src/files/jsonfault';
import { epsgOf } from '../src/files/prj';
import { readFiles } from '../src/files/read';
import { readShapes } from '../src/files/shp';
import { unzip } from '../src/files/zip';

const limits: Limits = { bytes: 1 << 20, unpacked: 4 << 20, features: 10, vertices: 100 };
// crc32 is the checksum of a zip's entry (PKWARE's APPNOTE 4.4.7): Node's own came with 20.15.
function crc32(data: Uint8Array): number {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

// fault returns the key of the FileFault that fn ends with, '' when it ends well.
async function fault(fn: () => unknown): Promise<string> {
  try {
    await fn();
    return '';
  } catch (thrown) {
    if (!(thrown instanceof FileFault)) throw thrown;
    return thrown.key;
  }
}

interface Packed { name: string; data: Uint8Array; stored?: boolean; packed?: Uint8Array; flags?: number; crc?: number }

// zip packs files; packed and crc may lie.
function zip(files: Packed[]): Uint8Array {
  const out: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const f of files) {
    const name = Buffer.from(f.name);
    const packed = Buffer.from(f.packed ?? (f.stored ? f.data : deflateRawSync(f.data)));
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0); head.writeUInt16LE(f.flags ?? 0, 6); head.writeUInt16LE(f.stored ? 0 : 8, 8); head.writeUInt32LE(f.crc ?? crc32(f.data), 14);
    head.writeUInt32LE(packed.length, 18); head.writeUInt32LE(f.data.length, 22); head.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0); head.copy(entry, 6, 4, 30); entry.writeUInt32LE(at, 42);
    out.push(head, name, packed);
    central.push(entry, name);
    at += 30 + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0); end.writeUInt16LE(files.length, 8); end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(central.reduce((n, b) => n + b.length, 0), 12); end.writeUInt32LE(at, 16);
  return new Uint8Array(Buffer.concat([...out, ...central, end]));
}

test('a zip: deflated, stored, names in GBK', async () => {
  const data = bytes('甲'.repeat(1000));
  const gbk = new Uint8Array([0xb5, 0xd8, 0xbf, 0xe9]); // 地块
  const packed = zip([{ name: 'a.txt', data }, { name: 'b.txt', data, stored: true }, { name: 'XXXX.txt', data }]);
  for (let i = 0; i + 4 < packed.length; i++) if (packed[i] === 0x58 && packed[i + 3] === 0x58) packed.set(gbk, i);
  const files = await unzip(packed, () => true, 1 << 20);
  assert.deepEqual([...files.keys()], ['a.txt', 'b.txt', '地块.txt']);
  for (const content of files.values()) assert.deepEqual(content, data);
  assert.equal((await unzip(packed, (name) => name === 'b.txt', 1 << 20)).size, 1);
});

test('a zip that unpacks to too much is left at the bound', async () => {
  const bomb = deflateRawSync(Buffer.alloc(256 << 20));
  let unpacked = 0;
  const Real = globalThis.DecompressionStream;
  globalThis.DecompressionStream = class {
    readonly readable; readonly writable;
    constructor(form: CompressionFormat) {
      const real = new Real(form);
      this.writable = real.writable;
      this.readable = real.readable.pipeThrough(new TransformStream<Uint8Array, Uint8Array>({ transform: (chunk, out) => { unpacked += chunk.length; out.enqueue(chunk); } }));
    }
  } as unknown as typeof Real;
  try {
    assert.equal(await fault(() => unzip(zip([{ name: 'a.shp', data: bytes('x'), packed: bomb }]), () => true, 1 << 20)), 'file.zip.bomb');
  } finally {
    globalThis.DecompressionStream = Real;
  }
  assert.ok(unpacked > 1 << 20 && unpacked < 4 << 20, `${unpacked} bytes were unpacked`);
  const half = new Uint8Array(600 << 10);
  assert.equal(await fault(() => unzip(zip([{ name: 'a', data: half }, { name: 'b', data: half }]), () => true, 1 << 20)), 'file.zip.bomb', 'all files together');
  assert.equal(await fault(() => unzip(zip([{ name: 'a', data: new Uint8Array(2 << 20), stored: true }]), () => true, 1 << 20)), 'file.zip.bomb', 'stored');
});

test('a zip that is none, cut, locked or damaged', async () => {
  const whole = zip([{ name: 'a.txt', data: bytes('abcdefgh'.repeat(50)) }]);
  assert.equal(await fault(() => unzip(bytes('PK no'), () => true, 1000)), 'file.zip.broken');
  assert.equal(await fault(() => unzip(whole.subarray(10), () => true, 1000)), 'file.zip.broken');
  assert.equal(await fault(() => unzip(zip([{ name: 'a', data: bytes('a'), flags: 1 }]), () => true, 1000)), 'file.zip.locked');
  assert.equal(await fault(() => unzip(zip([{ name: 'a', data: bytes('a'), crc: 7 }]), () => true, 1000)), 'file.zip.broken');
  assert.equal(await fault(() => unzip(zip(Array.from({ length: 2001 }, (_, i) => ({ name: `${i}`, data: bytes('') }))), () => true, 1000)), 'file.zip.entries');
  for (let cut = 0; cut < whole.length; cut++) assert.equal(await fault(() => unzip(whole.subarray(0, cut), () => true, 1000)), 'file.zip.broken', `cut at ${cut}`);
});

// shp writes records of rings as a shapefile of polygons.
function shp(records: Position[][][], kind = 5): Uint8Array {
  const parts = records.map((rings, i) => {
    const points = rings.flat();
    const b = Buffer.alloc(8 + 44 + 4 * rings.length + 16 * points.length);
    b.writeInt32BE(i + 1, 0); b.writeInt32BE((b.length - 8) / 2, 4); b.writeInt32LE(kind, 8); b.writeInt32LE(rings.length, 44); b.writeInt32LE(points.length, 48);
    let [first, at] = [0, 52 + 4 * rings.length];
    rings.forEach((ring, k) => { b.writeInt32LE(first, 52 + 4 * k); first += ring.length; });
    for (const [x = 0, y = 0] of points) { b.writeDoubleLE(x, at); b.writeDoubleLE(y, at + 8); at += 16; }
    return b;
  });
  const head = Buffer.alloc(100);
  head.writeInt32BE(9994, 0); head.writeInt32LE(1000, 28); head.writeInt32LE(kind, 32);
  return new Uint8Array(Buffer.concat([head, ...parts]));
}

const box = (x: number, y: number, d: number): Position[] => [[x, y], [x, y + d], [x + d, y + d], [x + d, y], [x, y]]; // clockwise
const hole = (x: number, y: number, d: number): Position[] => box(x, y, d).reverse();

test('rings of a shapefile: holes go to the smallest ring around them', () => {
  const [outer, island, inner, deep] = [box(0, 0, 100), box(20, 20, 50), hole(10, 10, 70), hole(30, 30, 10)];
  assert.deepEqual(readShapes(shp([[outer, inner, island, deep]]), limits), [{ type: 'MultiPolygon', coordinates: [[outer, inner], [island, deep]] }]);
  assert.deepEqual(readShapes(shp([[outer, hole(0, 0, 40)]]), limits), [{ type: 'Polygon', coordinates: [outer, hole(0, 0, 40)] }], 'a hole that touches');
  assert.deepEqual(readShapes(shp([[hole(0, 0, 1)], [hole(500, 0, 1), outer]], 15), limits), [
    { type: 'Polygon', coordinates: [hole(0, 0, 1)] }, { type: 'MultiPolygon', coordinates: [[outer], [hole(500, 0, 1)]] },
  ], 'rings that run the wrong way stand for themselves');
});

test('a shapefile that is cut, lies about its counts, or holds no polygons', async () => {
  const whole = shp([[box(0, 0, 1)], [box(2, 2, 1), hole(2.2, 2.2, 0.5)]]);
  for (let cut = 0; cut < whole.length; cut++) {
    const got = await fault(() => readShapes(whole.subarray(0, cut), limits));
    assert.ok(got === '' || got === 'file.shp.broken', `cut at ${cut}: ${got}`);
  }
  for (let at = 0; at < whole.length; at++) {
    for (const value of [0, 0x7f, 0xff]) {
      const bad = whole.slice();
      bad[at] = value;
      await fault(() => readShapes(bad, limits)); // which lets nothing through but a FileFault
    }
  }
  assert.equal(await fault(() => readShapes(shp([], 1), limits)), 'file.shp.kind');
  assert.equal(await fault(() => readShapes(shp(Array.from({ length: 11 }, () => [box(0, 0, 1)])), limits)), 'file.features');
  assert.equal(await fault(() => readShapes(shp(Array.from({ length: 21 }, () => [box(0, 0, 1)])), { ...limits, features: 99 })), 'file.vertices');
});

// dbf writes one text field of 20 bytes.
function dbf(field: string, values: Uint8Array[], language = 0): Uint8Array {
  const b = Buffer.alloc(65 + 21 * values.length);
  b.writeUInt32LE(values.length, 4); b.writeUInt16LE(65, 8); b.writeUInt16LE(21, 10); b[29] = language;
  b.write(field, 32); b.write('C', 43); b[48] = 20; b[64] = 0x0d;
  values.forEach((v, i) => { b.fill(0x20, 65 + 21 * i, 86 + 21 * i); Buffer.from(v).copy(b, 66 + 21 * i); });
  return new Uint8Array(b);
}

test('names of shapes in GBK and UTF-8, said or not', () => {
  const gbk = new Uint8Array([0xb5, 0xd8, 0xbf, 0xe9, 0x31]); // 地块1
  for (const [codePage, language] of [['', 0], ['GBK', 0], ['936', 0], ['', 0x4d]] as const) assert.deepEqual(names(dbf('DKMC', [gbk], language), codePage), ['地块1'], `${codePage} ${language}`);
  assert.deepEqual(names(dbf('NAME', [bytes('地块1')]), 'UTF-8'), ['地块1']);
  assert.deepEqual(names(dbf('NAME', [bytes('地块1')]), ''), ['地块1']);
  assert.deepEqual(names(undefined, ''), []);
  const whole = dbf('NAME', [bytes('a'), bytes('b')]);
  for (let cut = 0; cut < whole.length; cut++) names(whole.subarray(0, cut), ''); // ends
});

const plane = (name: string, meridian: number, easting: number, datum = 'D_China_2000') => `PROJCS["${name}",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["${datum}",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",${easting}.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",${meridian}.0],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]`;

test('systems that a .prj names', async () => {
  for (const [wkt, want] of [
    [plane('CGCS2000_3_Degree_GK_Zone_36', 108, 36500000), 'EPSG:4524'], [plane('CGCS2000_3_Degree_GK_CM_108E', 108, 500000), 'EPSG:4545'],
    [plane('CGCS2000_GK_Zone_18', 105, 18500000), 'EPSG:4496'], [plane('CGCS2000_3_Degree_GK_Zone_25', 75, 25500000), 'EPSG:4513'], [plane('CGCS2000_GK_Zone_23', 135, 23500000), 'EPSG:4501'],
    ['GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]]]', 'EPSG:4490'],
    ['GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]]]', 'EPSG:4326'],
    ['PROJCS["WGS_1984_Web_Mercator_Auxiliary_Sphere",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984"]],PROJECTION["Mercator_Auxiliary_Sphere"]]', 'EPSG:3857'],
  ] as const) assert.equal(epsgOf(wkt), want);
  for (const [wkt, want] of [
    [plane('Xian_1980_3_Degree_GK_Zone_36', 108, 36500000, 'D_Xian_1980'), 'file.prj.old'], [plane('Beijing_1954', 108, 500000, 'D_Beijing_1954'), 'file.prj.old'],
    [plane('CGCS2000 own', 108, 600000), 'file.prj.unknown'], [plane('CGCS2000 own', 107.5, 500000), 'file.prj.unknown'], ['PROJCS["OSGB"]', 'file.prj.unknown'], ['x', 'file.prj.unknown'],
  ] as const) assert.equal(await fault(() => epsgOf(wkt)), want, wkt.slice(0, 40));
});

test('GeoJSON: what it holds, within bounds', async () => {
  const polygon = { type: 'Polygon', coordinates: [box(108, 34, 0.1)] };
  const read = (value: unknown) => readGeoJSON(bytes(typeof value === 'string' ? value : JSON.stringify(value)), limits);
  assert.deepEqual(read({ type: 'FeatureCollection', crs: { properties: { name: 'EPSG:4524' } }, features: [{ type: 'Feature', id: 7, properties: { 名称: '甲' }, geometry: polygon }, { type: 'Feature', properties: null, geometry: null }] }), {
    sent: { type: 'FeatureCollection', crs: { properties: { name: 'EPSG:4524' } }, features: [{ type: 'Feature', id: 7, properties: { 名称: '甲' }, geometry: polygon }, { type: 'Feature', properties: null, geometry: null }] },
    shapes: [{ name: '甲', geometry: polygon }, { name: '', geometry: null }], many: true, crs: 'EPSG:4524',
  });
  for (const [value, want] of [
    ['{"type":', 'file.json.cut'], ['{type:1}', 'file.json.syntax'], [[], 'file.json.type'], [{}, 'file.json.type'], [{ type: 5 }, 'file.json.type'], [{ type: 'Topology' }, 'file.json.type'], [{ type: 'FeatureCollection' }, 'file.json.features'], [{ type: 'FeatureCollection', features: [] }, 'file.empty'],
    [{ type: 'FeatureCollection', features: Array.from({ length: 11 }, () => ({ type: 'Feature', geometry: polygon })) }, 'file.features'],
    [{ type: 'MultiPolygon', coordinates: Array.from({ length: 30 }, () => polygon.coordinates) }, 'file.vertices'],
  ] as const) assert.equal(await fault(() => read(value)), want);
  assert.equal(await fault(() => readGeoJSON(new Uint8Array([0x7b, 0xb5, 0xd8, 0x7d]), limits)), 'file.json.encoding');
  const whole = bytes(JSON.stringify({ type: 'Feature', properties: { 名称: '甲乙' }, geometry: polygon }));
  for (let cut = 1; cut < whole.length; cut++) assert.equal(await fault(() => readGeoJSON(whole.subarray(0, cut), limits)), 'file.json.cut', `cut at ${cut}, also within a character`);
  for (const features of [[null], [5], [{ type: 'Feature', geometry: 'x' }]]) assert.deepEqual(read({ type: 'FeatureCollection', features }).shapes, [{ name: '', geometry: null }], 'the server says what is wrong');
  const deep = `{"type":"Polygon","coordinates":${'['.repeat(20000)}${']'.repeat(20000)}}`;
  assert.ok(['', 'file.json.deep'].includes(await fault(() => read(deep))), 'arrays in arrays end');
  assert.equal(inDegrees(polygon as never), true);
  for (const coordinates of [null, [], [[]], [[[]]], [[['a', 1]]], [[[36466000, 3799000]]], [[[null, null]]]]) assert.equal(inDegrees({ type: 'Polygon', coordinates } as never), false, JSON.stringify(coordinates));
});

test('files that are dropped together', async () => {
  const parts = [{ name: 'a.shp', data: shp([[box(108, 34, 0.1)]]) }, { name: 'a.dbf', data: dbf('NAME', [bytes('甲')]) }, { name: 'a.prj', data: bytes(plane('CGCS2000_3_Degree_GK_Zone_36', 108, 36500000)) }];
  const packed = await readFiles([{ name: '甲.zip', data: zip(parts.map((p) => ({ ...p, name: `folder/${p.name}` }))) }], limits);
  assert.deepEqual([packed.title, packed.crs, packed.many, packed.shapes], ['甲.zip', 'EPSG:4524', true, [{ name: '甲', geometry: null }]], 'plane coordinates are not drawn as degrees');
  assert.deepEqual((await readFiles(parts, limits)).geometry, packed.geometry);
  assert.equal((await readFiles(parts.slice(0, 2), limits)).shapes[0]?.geometry?.type, 'Polygon', 'degrees without a .prj');
  const txt = await readFiles([{ name: '界址点.txt', data: bytes('[属性描述]') }], limits);
  assert.deepEqual([txt.text, txt.shapes], [bytes('[属性描述]'), []]);
  for (const [files, want] of [
    [[], 'file.none'], [[{ name: 'a.txt', data: bytes('') }], 'file.zero'], [[{ name: 'a.docx', data: bytes('x') }], 'file.kind'], [[{ name: 'a.txt', data: new Uint8Array(2 << 20) }], 'file.bytes'],
    [parts.slice(1), 'file.shp.missing'], [[...parts, { name: 'b.shp', data: shp([]) }], 'file.shp.several'], [[{ name: 'a.json', data: bytes('{}') }, { name: 'b.json', data: bytes('{}') }], 'file.one'],
    [[{ name: 'a.zip', data: zip([{ name: 'readme.md', data: bytes('x') }]) }], 'file.zip.nothing'], [[{ name: 'a.geojson', data: bytes('no') }], 'file.json.syntax'],
  ] as const) assert.equal(await fault(() => readFiles([...files], limits)), want);
  assert.deepEqual(limitsFrom({ body_bytes: 1000, aoi_features: 5 }), { bytes: 1000, unpacked: 4000, features: 5, vertices: 500000 });
});

// JSON.parse says whether a text is JSON, and jsonFault where it is not.
test('where a text is no JSON', () => {
  const whole = '{"a": [1, -2.5e+3, true, null, "x\\n\\u00e9\\""],\n "b": {}, "c": [], "d": [[1]]}';
  const isJSON = (text: string): boolean => { try { JSON.parse(text); return true; } catch { return false; } };
  const texts = Array.from(whole, (_, i) => [whole.slice(0, i), whole.slice(0, i) + whole.slice(i + 1), ...['}', ']', ',', ':', '"', '0', 'x', '-', '\\', '\n'].map((c) => whole.slice(0, i) + c + whole.slice(i))]).flat();
  for (const text of [whole, '', ' ', '1', '01', '1.', '1e5', '1E5', 'TRUE', 'nul', '"', '"\\u00g1"', '[1,]', '{"a":1,}', '{1:1}', '1 1', ...texts]) {
    assert.equal(jsonFault(text) === null, isJSON(text), JSON.stringify(text));
  }
  for (let cut = 0; cut < whole.length; cut++) {
    const text = whole.slice(0, cut);
    assert.deepEqual(jsonFault(text), { line: text.split('\n').length, column: text.length - text.lastIndexOf('\n'), cut: true, found: '' }, text);
  }
  for (const [text, line, column, found] of [['[1,\n 2 3]', 2, 4, '3]'], ['{a:1}', 1, 2, 'a:1}'], ['[1,]', 1, 4, ']'], ['[1]x', 1, 4, 'x'], ['["a\tb"]', 1, 4, ''], ['[tru]', 1, 2, 'tru]'], ['NaN', 1, 1, 'NaN']] as const) {
    assert.deepEqual(jsonFault(text), { line, column, cut: false, found }, text);
  }
});

test('zips: what is in them, and what they lack', async () => {
  const surveyed = bytes('[属性描述]\n[地块坐标]\n');
  const files = { 'a.shp': shp([[box(108, 34, 0.1)]]), 'a.dbf': dbf('NAME', [bytes('甲')]), 'a.geojson': bytes(JSON.stringify({ type: 'Polygon', coordinates: [box(108, 34, 0.1)] })), 'readme.txt': bytes('see [1] for more'), '界址点.txt': surveyed, '.hidden': bytes('x'), '__MACOSX/a.shp': bytes('x'), 'dir/': bytes('') };
  const read = (...names: (keyof typeof files)[]) => readFiles([{ name: 'z.zip', data: zip(names.map((name) => ({ name, data: files[name] }))) }], limits);
  assert.equal((await read('a.geojson', 'readme.txt')).many, false, 'GeoJSON beside a note');
  assert.deepEqual((await read('界址点.txt', 'readme.txt')).text, surveyed, 'a TXT beside a note');
  for (const [names, want] of [
    [['a.dbf', 'readme.txt'], 'file.zip.part'], [['readme.txt'], 'file.zip.nothing'], [['.hidden', '__MACOSX/a.shp', 'dir/'], 'file.zip.blank'], [[], 'file.zip.blank'],
  ] as const) assert.equal(await fault(() => read(...names)), want, names.join());
  assert.equal(await fault(() => readFiles([{ name: 'z.zip', data: zip(['a.json', 'b.json'].map((name) => ({ name, data: files['a.geojson'] }))) }], limits)), 'file.zip.several');
  assert.equal(await fault(() => readFiles([{ name: 'a.docx', data: zip([{ name: 'word/document.xml', data: bytes('x') }]) }], limits)), 'file.kind', 'an office file is a zip, too');
});
