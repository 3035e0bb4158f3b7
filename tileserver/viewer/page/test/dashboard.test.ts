// Which figures the dashboard takes from answers, and in which order.

import './stub/browser';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keep, recall } from '../src/dashboard/desk';
import type { Row, Table } from '../src/jobs/answers';
import { below, builtOf, goalYear, inOrder, kindsOf, levelOf, parents, placesOf, ranked, summaryPlaces, transitionsOf, trendOf, unconfirmed, yearsOf, type Place, type Summary } from '../src/dashboard/model';

const table = (name: string, rows: Row[], columns: Table['columns'] = []): Table => ({ name, title: '', columns, rows });
const place = (code: string, m2: number | null, features = 0): Place => ({ code, name: '', features, value: m2, m2, target: null, ofTarget: null, source: '', rank: null });

void test('places and their levels', () => {
  assert.deepEqual(below('619901'), ['township', 'village', 'group']);
  assert.deepEqual(below(''), ['prefecture', 'county', 'township', 'village', 'group']);
  assert.deepEqual(parents('619901100204'), ['6199', '619901', '619901100', '619901100204']);
  assert.equal(levelOf('619901100'), 'township');
  assert.equal(levelOf('61990'), null);
});

void test('equal areas share a rank, missing ones have none and come last', () => {
  const all = ranked([place('c', 5), place('x', null), place('b', 7), place('a', 5), place('d', 1), place('z', 0)]);
  assert.deepEqual(all.map((p) => [p.code, p.rank]), [['b', 1], ['a', 2], ['c', 2], ['d', 4], ['z', 5], ['x', null]]);
});

void test('any order keeps what has no value last', () => {
  const all = [place('a', 3, 9), { ...place('b', 4), features: null }, place('c', 1, 20)];
  assert.deepEqual(inOrder(all, 'features', true).map((p) => p.code), ['c', 'a', 'b']);
  assert.deepEqual(inOrder(all, 'features', false).map((p) => p.code), ['a', 'c', 'b']);
  assert.deepEqual(inOrder(all, 'code', true).map((p) => p.code), ['c', 'b', 'a']);
});

const area: Row = { xzqdm: '619901', xzqmc: null, year: '2024', crop_features: 3, crop_m2: 1000, crop_mu: 1.5, crop_ha: 0.1, crop_patch_m2: 1100, crop_patch_mu: 1.65, crop_area_m2: 1200, crop_area_mu: 1.8, hsf_area_m2: 10, hsf_area_mu: 0.015, hsf_gross_mu: 0.02, hsf_gross_m2: 20, crop_target_mu: 2, crop_of_target: 0.75, crop_target_source: '文件（未确认）' };

void test('a kind of area is one column, and targets are of net area alone', () => {
  const of = (kind: 'net' | 'patch' | 'ground' | 'gross', layer: 'cropland' | 'hsf' = 'cropland') => placesOf(table('dash_area', [area, { ...area, year: '2023' }]), layer, kind, 'mu', '2024').map((p) => [p.value, p.target]);
  assert.deepEqual(of('net'), [[1.5, 2]]);
  assert.deepEqual(of('patch'), [[1.65, null]]);
  assert.deepEqual(of('ground'), [[1.8, null]]);
  assert.deepEqual(of('gross'), [[null, null]]);
  assert.deepEqual(of('ground', 'hsf'), [[0.015, null]]);
  assert.deepEqual(of('net', 'hsf'), [[null, null]]);
  assert.deepEqual(kindsOf('hsf', 'analysis'), ['ground', 'gross']);
  assert.deepEqual(yearsOf(table('', [{ year: '2023' }, { year: '2024' }, { year: '2023' }])), ['2024', '2023']);
});

void test('a summary gives what it has and converts only what it lacks', () => {
  const summary: Summary = { generation: '', program: '', tier: '', by: '', formula: '', groups: [
    { place: 'a', layer: 'pbf', vintage: '', by: 'total', features: 1, area_m2: 900, area_mu: 1.35, patch_m2: 800, net_m2: 700, net_mu: 1.05 },
    { place: 'a', layer: 'pbf', vintage: '', by: 'first', features: 1, area_m2: 5, area_mu: 5, patch_m2: 5, net_m2: 5, net_mu: 5 },
    { place: 'b', layer: 'pbf', vintage: '', by: 'total', features: 1, area_m2: 1, area_mu: 0.0015, patch_m2: null, net_m2: null, net_mu: null }] };
  const of = (kind: 'net' | 'patch' | 'gross') => summaryPlaces(summary, 'pbf', kind, 'mu', (m2) => (m2 === null ? null : -m2)).map((p) => p.value);
  assert.deepEqual(of('net'), [1.05, null]);
  assert.deepEqual(of('patch'), [-800, null]);
  assert.deepEqual(of('gross'), [1.35, 0.0015]);
});

void test('what is not confirmed is told, and its mark taken off', () => {
  assert.deepEqual(unconfirmed('文件 004（未确认）'), { is: true, text: '文件 004' });
  assert.deepEqual(unconfirmed('years, 5, is not confirmed (design)').is, true);
  assert.deepEqual(unconfirmed('图层 target'), { is: false, text: '图层 target' });
});

void test('a trend is of one place, in order of years', () => {
  const rows: Row[] = [{ xzqdm: 'a', year: '2024', crop_mu: 2, crop_m2: 1, crop_delta_mu: -1, break: '口径' }, { xzqdm: 'b', year: '2024', crop_mu: 9 }, { xzqdm: 'a', year: '2023', crop_mu: 3, crop_delta_mu: null }];
  assert.deepEqual(trendOf(table('', rows), 'a', 'cropland', 'mu').map((y) => [y.year, y.value, y.delta, y.break]), [['2023', 3, null, ''], ['2024', 2, -1, '口径']]);
});

void test('flows are added up over places in hundredths, by class or first level', () => {
  const row = (from: string, to: string, m2: number | null): Row => ({ from, to, from_name: from, to_name: to, area_m2: m2, booked_m2: 1, links: 1 });
  const rows = [row('0101', '0201', 0.1), row('0101', '0201', 0.2), row('0102', '0201', 5), row('0102', '0102', 99), row('0101', '0102', 7), row('1203', '0201', null)];
  assert.deepEqual(transitionsOf(table('', rows), 'area', 4, false).map((o) => [o.from, o.to, o.m2, o.links]), [['0101', '0102', 7, 1], ['0102', '0201', 5, 1], ['0101', '0201', 0.3, 2]]);
  assert.deepEqual(transitionsOf(table('', rows), 'area', 2, false).map((o) => [o.from, o.to, o.m2]), [['01', '02', 5.3]]);
  assert.deepEqual(transitionsOf(table('', rows), 'area', 2, true).map((o) => [o.from, o.to, o.m2]), [['01', '01', 106], ['01', '02', 5.3]]);
  assert.equal(transitionsOf(table('', rows), 'booked', 4, false).find((o) => o.from === '1203')?.m2, 1);
});

void test('progress is what is due, built and left; the goal year is what the answer names', () => {
  const rows: Row[] = [{ xzqdm: 'a', year: 2024, pbf_m2: 10.3, ineligible_m2: 0.2, built_m2: 4, undated_m2: 1, gap_m2: 5.1, share: 0.5, on_track: false }, { xzqdm: 'a', year: 2023, pbf_m2: 10.3, ineligible_m2: 0.2, built_m2: 3 }, { xzqdm: 'a', year: null, pbf_m2: 1 }];
  const [first, last] = builtOf(table('', rows), 'a');
  assert.equal(first?.year, 2023);
  assert.equal(last?.due, 10.1);
  assert.equal(last.onTrack, false);
  const column = { name: 'need_per_year', kind: 'area' as const, title: { zh: '到 2035 年每年需建', en: '' } };
  assert.equal(goalYear(table('', [], [column])), 2035);
  assert.equal(goalYear(table('', [])), null);
});

// The list of questions is used at each turn, and must not go with the first answers.
test('of many answers those are kept that were used last', () => {
  const kept = new Map<string, unknown>();
  keep(kept, 'questions', []);
  for (let i = 0; i < 40; i++) { keep(kept, `summary ${i}`, i); recall(kept, 'questions'); }
  assert.equal(kept.size, 16);
  assert.deepEqual(recall(kept, 'questions'), []);
  assert.deepEqual([recall(kept, 'summary 39'), recall(kept, 'summary 0')], [39, undefined]);
  assert.ok(!kept.has('summary 0'));
});
