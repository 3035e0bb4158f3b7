import './stub/browser';
import assert from 'node:assert/strict';
import test from 'node:test';
import { follow } from '../src/jobs/follow';

const nobody = { event: () => undefined, broken: () => undefined, asked: () => undefined };

// A browser has six connections to a server, and a stream holds one until the job is over.
test('nothing is opened for a job whose follower was gone before it began', async (c) => {
  let opened = 0;
  c.mock.method(globalThis, 'fetch', () => { opened++; return Promise.resolve(Response.json({ id: 'a', state: 'done' })); });
  await assert.rejects(follow('a', nobody, AbortSignal.abort()), { name: 'AbortError' });
  assert.equal(opened, 0);
});
