import './stub/browser';
import assert from 'node:assert/strict';
import test from 'node:test';
import { encoded } from '../src/core/link';
import { shown, told } from '../src/jobs/rows';
import type { Column, Table } from '../src/jobs/answers';
import { lang, setLang } from '../src/core/i18n';

test('a part of the address comes back as it was, whatever is in it', () => {
  for (const name of ['j1', 'a&layers=pbf', 'x#y', '50%', '2024 Q3+', '甲/乙?', 'rank,,township,cropland,net,mu,2024,甲', '=']) {
    const hash = new URLSearchParams(`map=1/2/3&job=${encoded(name)}&z=1`);
    assert.equal(hash.get('job'), name);
    assert.equal(hash.get('z'), '1');
  }
  assert.equal(encoded('rank,,township'), 'rank,,township', 'commas stay to be read');
});

const column = (name: string, kind: Column['kind'], values?: Column['values']): Column => ({ name, kind, title: name, ...(values ? { values } : {}) });
const kinds = [{ value: 'nongrain', title: { zh: '非粮化', en: 'no grain' } }, { value: 'other', title: { zh: '其他', en: 'other use' } }];

test('codes stand in the words of the answer, several in one cell, too', (c) => {
  const before = lang();
  c.after(() => setLang(before));
  for (const [language, one, two] of [['zh', '非粮化', '非粮化、其他'], ['en', 'no grain', 'no grain, other use']] as const) {
    setLang(language);
    assert.equal(told(column('kind', 'code', kinds), 'nongrain'), one);
    for (const text of ['nongrain other', 'nongrain+other', 'nongrain、other']) assert.equal(told(column('kind', 'code', kinds), text), two);
    assert.equal(told(column('kind', 'code', kinds), 'nongrain x'), 'nongrain x', 'what is no code stays');
    assert.equal(told(column('kind', 'code'), 'nongrain'), 'nongrain');
  }
});

test('a class that the answer names in Chinese alone stands in English, too', (c) => {
  const before = lang();
  c.after(() => setLang(before));
  const table: Table = { name: 't', title: 't', columns: [column('from', 'code'), column('from_name', 'text')], rows: [{ from: '0101', from_name: '水田' }] };
  const name = table.columns[1] as Column;
  setLang('zh');
  assert.equal(shown(table, name, { from: '0101', from_name: '水田' }), '水田');
  setLang('en');
  assert.equal(shown(table, name, { from: '0101', from_name: '水田' }), 'Paddy field');
  assert.equal(shown(table, name, { from: '9999', from_name: '某类' }), '某类');
});
