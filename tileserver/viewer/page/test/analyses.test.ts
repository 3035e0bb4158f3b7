import './stub/browser';
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Ask, Column, Question, Row, Table } from '../src/jobs/answers';
import { FileFault, limitsFrom } from '../src/files/fault';
import { readFiles } from '../src/files/read';
import { filledAs } from '../src/analyses/form';
import { bodyOf } from '../src/analyses/reconcile';
import { facets, fieldsOf, filtered, measures, nameOf, sorted, text, type Field } from '../src/jobs/rows';
import { lang } from '../src/core/i18n';
import { givenOf, valueOf } from '../src/analyses/shapes';
import { createParser, type Message } from '../src/jobs/stream';

// read parses a stream that comes in pieces.
function read(pieces: string[]): { messages: Message[]; retry: number[] } {
  const messages: Message[] = [];
  const retry: number[] = [];
  const parser = createParser((m) => messages.push(m), (ms) => retry.push(ms));
  for (const piece of pieces) parser(piece);
  return { messages, retry };
}

const whole = 'retry: 2000\n\nid: 1\nevent: waiting\ndata: {"id":1}\n\n: alive\n\nid: 2\r\nevent: progress\r\ndata: {"a":\r\ndata: "乙"}\r\n\r\ndata: bare\rid: 3\r\rdata: cut off';

test('events of a stream', () => assert.deepEqual(read([whole]), {
  messages: [
    { id: '1', event: 'waiting', data: '{"id":1}' }, { id: '2', event: 'progress', data: '{"a":\n"乙"}' }, { id: '3', event: 'message', data: 'bare' },
  ], retry: [2000],
}));
test('a stream cut anywhere has the same events', () => {
  for (let i = 0; i <= whole.length; i++) assert.deepEqual(read([whole.slice(0, i), whole.slice(i)]), read([whole]), `cut at ${i}`);
  assert.deepEqual(read([...whole]), read([whole]), 'a character at a time');
});
test('a retry that is no number is read over', () => assert.deepEqual(read(['retry: soon\n\n']).retry, []));

const column = (name: string, kind: Column['kind']): Column => ({ name, kind, title: name });
const field = (name: string, kind: Column['kind'], unit = ''): Field => ({ name, unit, column: column(name, kind) });

test('areas in the unit that is chosen', () => assert.deepEqual(
  fieldsOf({ name: 't', title: 't', rows: [], columns: [column('xzqdm', 'code'), column('net', 'area'), column('edge', 'length')] }, 'ha').map((f) => [f.name, f.unit]),
  [['xzqdm', ''], ['net_ha', 'ha'], ['edge', 'm']]));
for (const [what, f, value, want] of [
  ['mu have four decimals', field('a_mu', 'area', 'mu'), 1631.7, '1,631.7000'],
  ['m² have two', field('a_m2', 'area', 'm2'), -1234567.5, '-1,234,567.50'],
  ['counts are whole', field('n', 'count'), 12345, '12,345'],
  ['a year is no amount', field('year', 'count'), 2024, '2024'],
  ['a share is a percentage', field('share', 'ratio'), 0.123456, '12.35%'],
  ['a code stays as it is', field('bsm', 'code'), '0001', '0001'],
  ['nothing is told apart from zero', field('a_mu', 'area', 'mu'), null, '—'],
  ['zero', field('a_mu', 'area', 'mu'), 0, '0.0000'],
  ['true', field('ok', 'bool'), true, '✓'], ['false', field('ok', 'bool'), false, '✗'],
] as const) test(`values: ${what}`, () => assert.equal(text(f, value), want));

const rows: Row[] = [
  { xzqdm: '01', xzqmc: '东村', year: '2023', net_mu: 5 }, { xzqdm: '01', xzqmc: '东村', year: '2024', net_mu: null },
  { xzqdm: '02', xzqmc: '西村', year: '2023', net_mu: -1 }, { xzqdm: '02', xzqmc: '西村', year: '2024', net_mu: 5 },
];
const table: Table = { name: 't', title: 't', rows, columns: [column('xzqdm', 'code'), column('xzqmc', 'text'), column('year', 'text'), column('net', 'area')] };
const all = [0, 1, 2, 3];

test('the greatest first, equal ones as they were, what is missing last', () => assert.deepEqual(sorted(rows, all, { name: 'net_mu', down: true }), [0, 3, 2, 1]));
test('the least first, what is missing last', () => assert.deepEqual(sorted(rows, all, { name: 'net_mu', down: false }), [2, 0, 3, 1]));
test('no order', () => assert.deepEqual(sorted(rows, [3, 1], null), [3, 1]));
test('all words are found, figures are not searched', () => {
  assert.deepEqual(filtered(table, ' 东 2024 ', new Map()), [1]);
  assert.deepEqual(filtered(table, '5', new Map()), []);
});
test('rows of a chosen value', () => assert.deepEqual(filtered(table, '', new Map([['year', '2023']])), [0, 2]));
test('choices: a code and its name are one', () => assert.deepEqual(facets(table).map((f) => [f.column.name, f.values]), [['xzqdm', ['01', '02']], ['year', ['2023', '2024']]]));
test('choices: not of what differs in each row', () => assert.deepEqual(facets({ ...table, rows: rows.map((r, i) => ({ ...r, xzqdm: String(i), xzqmc: String(i), year: '2024' })) }), []));
test('a row is called by its names, not its code', () => assert.equal(nameOf(table, rows[0] ?? {}), '东村 · 2023'));
test('a text of two languages stands in that of the page', () => {
  const both: Table = { name: 't', title: 't', rows: [], columns: [column('name', 'text'), column('name_en', 'text'), column('way_en', 'text')] };
  assert.deepEqual(fieldsOf(both, 'mu').map((f) => f.name), lang() === 'zh' ? ['name', 'way_en'] : ['name_en', 'way_en']);
});
test('years and ranks are no measures', () => assert.deepEqual(measures({ ...table, columns: [column('year', 'count'), column('rank', 'count'), column('n', 'count'), column('net', 'area')] }).map((c) => c.name), ['n', 'net']));

test('a reconciliation as it is posted', () => assert.deepEqual(bodyOf(new Map([
  ['a.kind', 'layer'], ['a.layer', 'cropland@2023'], ['a.class', '0101'], ['b.kind', 'figures'], ['b.figures', 'place,area_m2\n610402,1'],
  ['by', 'village'], ['place', ''], ['p.figure', ''], ['p.width', '0.5'], ['p.shapes', 'true'], ['p.lines', 'band,ridges'],
])), { a: 'cropland@2023:0101', b: { figures: 'place,area_m2\n610402,1' }, by: 'village', lines: 'band,ridges', width: 0.5, shapes: true }));
test('a reconciliation with an answer', () => assert.deepEqual(bodyOf(new Map([['a.kind', 'layer'], ['a.layer', 'pbf@2024'], ['b.kind', 'answer'], ['b.answer', 'x1'], ['b.column', 't.net'], ['p.shapes', 'false']])), { a: 'pbf@2024', b: { answer: 'x1', column: 't.net' } }));

const point = { type: 'Point', coordinates: [0, 0] } as const;
const limits = limitsFrom({});
const bytes = (text: string) => new TextEncoder().encode(text);
// of is what a file gives, read as the room of asking reads it.
const of = async (name: string, text: string) => givenOf(await readFiles([{ name, data: bytes(text) }], limits));
test('shapes of several files are alternatives', async () => {
  const given = [await of('甲.geojson', JSON.stringify(point)), await of('b.json', `\uFEFF${JSON.stringify({ type: 'Feature', properties: { alt: 'own' }, geometry: point })}`)];
  assert.deepEqual(valueOf(given), { crs: '', shapes: { type: 'FeatureCollection', features: [{ type: 'Feature', properties: { alt: '甲' }, geometry: point }, { type: 'Feature', properties: { alt: 'own' }, geometry: point }] } });
});
test('a TXT is sent as it is, byte by byte, and alone', async () => {
  const gbk = Uint8Array.of(0xb5, 0xd8, 0xbf, 0xe9, 0x2c, 0x31); // 地块,1
  const txt = givenOf(await readFiles([{ name: 'x.TXT', data: gbk }], limits));
  assert.deepEqual(valueOf([txt]), gbk);
  assert.throws(() => valueOf([txt, { name: 'a', features: [], crs: '' }]));
});
test('what is no shape is refused', async () => {
  await assert.rejects(of('a.json', '{"type":"Nothing"}'), FileFault);
  await assert.rejects(of('a.json', 'x'), FileFault);
  assert.throws(() => valueOf([]));
});
test('one coordinate system at a time', async () => {
  const plain = await of('b.json', JSON.stringify(point));
  const stated = await of('a.json', JSON.stringify({ type: 'FeatureCollection', crs: { properties: { name: 'EPSG:4523' } }, features: [{ type: 'Feature', properties: {}, geometry: point }] }));
  assert.throws(() => valueOf([stated, plain]));
  assert.deepEqual((valueOf([stated]) as unknown as { shapes: { crs: unknown } }).shapes.crs, { properties: { name: 'EPSG:4523' } });
  const shapefile = (crs: string) => givenOf({ title: 'a.zip', geometry: { type: 'FeatureCollection', features: [] }, crs, shapes: [], many: true });
  assert.equal((valueOf([shapefile('EPSG:4524')]) as { crs: string }).crs, 'EPSG:4524');
  assert.throws(() => valueOf([shapefile('EPSG:4524'), plain]));
  assert.equal((valueOf([shapefile('EPSG:4490'), plain]) as { crs: string }).crs, '', 'degrees are degrees');
});

test('the form of a question that is asked again holds what was asked, not what the page shows', () => {
  const question = { name: 'flows', parameters: [{ name: 'least', default: '10' }, { name: 'class' }] } as unknown as Question;
  const form = (ask: Ask) => Object.fromEntries(filledAs(question, ask));
  assert.deepEqual(form({ question: 'flows', by: 'county', parameters: { class: '0101' } }), { by: 'county', place: '', vintage: '', from: '', 'p.least': '10', 'p.class': '0101' });
  assert.deepEqual(form({ question: 'flows', vintage: '2023', from: '2022', place: '6104' }), { by: 'village', place: '6104', vintage: '2023', from: '2022', 'p.least': '10', 'p.class': '' });
});
