import './stub/browser';
import assert from 'node:assert/strict';
import test from 'node:test';
import { json } from '../src/jobs/answers';
import { get, getBlob, type Problem } from '../src/core/api';

// broken is an answer that ends before it is whole.
const broken = (): Response => new Response(new ReadableStream({
  start(to) { to.enqueue(new TextEncoder().encode('{"a":')); },
  pull(to) { to.error(new TypeError('network error')); },
}));

for (const [what, ask] of [['a question', () => get('catalog')], ['an analysis', () => json('analyses')], ['a file', () => getBlob('http://gengtu.test/government/x.png')]] as const) {
  test(`an answer to ${what} that breaks off is no fault of the server`, async (c) => {
    c.mock.method(globalThis, 'fetch', () => Promise.resolve(broken()));
    await assert.rejects(ask, (problem: Problem) => problem.status === 0 && problem.passing());
  });
}

test('an answer that is no longer wanted is no problem', async (c) => {
  c.mock.method(globalThis, 'fetch', () => Promise.resolve(new Response(new ReadableStream({ pull(to) { to.error(new DOMException('', 'AbortError')); } }))));
  await assert.rejects(get('catalog'), { name: 'AbortError' });
});
