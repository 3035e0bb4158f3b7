import './stub/browser';
import assert from 'node:assert/strict';
import test from 'node:test';
import { backTo } from '../src/core/kept';
import type { Me } from '../src/core/me';
import { moment, warnBeforeMs } from '../src/edition/time';
import { watermarkLines } from '../src/edition/watermark';

const root = 'https://map.example.org/land/';

test('a login comes back to the page that it left', () => {
  assert.equal(backTo(root, 'secure', '?vintage=2023&tier=secure#map=13/34.3/108.6'), `${root}?vintage=2023&tier=secure#map=13/34.3/108.6`);
});

test('a login comes back to no other place, tier or token', () => {
  const plain = `${root}?tier=secure`;
  for (const kept of [null, '', 'https://evil.example/', '//evil.example', '?tier=public', '?', '#tk=x', '?tier=secure&tk=x', '/other?tier=secure', 'javascript:alert(1)', '?@evil.example']) {
    assert.equal(backTo(root, 'secure', kept), plain, String(kept));
  }
});

test('a token is warned of five minutes before its end, a short one later', () => {
  assert.equal(warnBeforeMs(8 * 3600_000), 300_000);
  assert.equal(warnBeforeMs(300_000), 60_000);
  assert.equal(warnBeforeMs(0), 0);
});

test('times are written to the minute by the own clock, and what is none is not', () => {
  assert.equal(moment(new Date(2026, 4, 1, 8, 5, 59).getTime()), '2026-05-01 08:05');
  assert.equal(moment(Number.NaN), '');
});

test('the watermark names the user, or where a user without a name comes from', () => {
  const at = new Date(2026, 4, 1, 8, 5).getTime();
  const who = { name: '李工', address: '10.1.2.3' } as Me;
  assert.deepEqual(watermarkLines(who, at, '涉密版'), ['涉密版 李工', '2026-05-01 08:05']);
  assert.deepEqual(watermarkLines({ ...who, name: null }, at, '涉密版'), ['涉密版 10.1.2.3', '2026-05-01 08:05']);
});
