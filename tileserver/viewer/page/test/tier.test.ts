import './stub/browser';
import './stub/unknown';
import assert from 'node:assert/strict';
import test from 'node:test';
import { hasToken, tier, tierUnknown } from '../src/core/api';
import { tokenKey } from '../src/core/kept';

test('a token for a tier that there is not is kept for no tier, nor in the address', () => {
  assert.deepEqual([tierUnknown, tier], [true, 'public']);
  assert.deepEqual([hasToken(), sessionStorage.getItem(tokenKey('public')), sessionStorage.getItem(tokenKey('foo'))], [false, null, null]);
  assert.equal(location.hash, '#map=13/34/108');
});
