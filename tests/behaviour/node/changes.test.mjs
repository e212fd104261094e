// Who shows connections is told what becomes of them, whoever does it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { program } from '../../support/node/index.mjs';
import { Stage } from './stage.mjs';

/** The promise, in milliseconds. */
const WITHIN = 1000;

/** The change that `change` is a promise of, which is that one, in time. */
async function told(change, kind, name) {
  let late;
  const timer = new Promise((_, reject) => {
    late = setTimeout(() => reject(new Error(`${kind} ${name} was not told in time`)), WITHIN);
  });
  try {
    const { value } = await Promise.race([change, timer]);
    assert.deepEqual([value.kind, value.connection.connection], [kind, name]);
    return value.connection;
  } finally {
    clearTimeout(late);
  }
}

/** The next change of `changes`. */
const next = (changes, kind, name) => told(changes.next(), kind, name);

test('connection_changes_are_told', async (t) => {
  const stage = await Stage.acme(t);
  const elsewhere = async (...commandArguments) => {
    const { code, stderr } = await stage.home.tokenkeep(...commandArguments);
    assert.equal(code, 0, stderr);
  };
  const login = (...more) => elsewhere('login', 'acme', '--browser', program('stand-in-person'), ...more);

  // Another process does everything; the store is yet to be made.
  const changes = stage.broker().connectionChanges();
  const first = changes.next();
  await login();
  assert.equal((await told(first, 'appeared', 'default')).status, 'connected');
  await login('--connection', 'work');
  await next(changes, 'appeared', 'work');
  await elsewhere('token', 'acme', '--force-refresh');
  assert.ok((await next(changes, 'changed', 'default')).refreshedAt instanceof Date);
  await login();
  assert.equal((await next(changes, 'changed', 'default')).refreshedAt, null);
  await stage.revokeAll();
  await assert.rejects(elsewhere('token', 'acme', '--force-refresh'));
  let last = await next(changes, 'changed', 'default');
  assert.equal(last.status, 'login_required');
  await elsewhere('logout', 'acme');
  assert.deepEqual(await next(changes, 'disappeared', 'default'), last);
  await login();
  last = await next(changes, 'appeared', 'default');

  // A stream begins with what is there, and ends with the loop.
  const begun = [];
  for await (const change of stage.broker().connectionChanges()) {
    begun.push(change);
    if (begun.length === 2) break;
  }
  assert.deepEqual(begun[0], { kind: 'appeared', connection: last });
  assert.deepEqual([begun[1].kind, begun[1].connection.connection], ['appeared', 'work']);

  // Who waits for more in vain gives up at once.
  const controller = new AbortController();
  const waited = stage.broker().connectionChanges({ signal: controller.signal });
  await next(waited, 'appeared', 'default');
  await next(waited, 'appeared', 'work');
  const why = new Error('the window was closed');
  const givenUp = waited.next();
  const aborted = performance.now();
  controller.abort(why);
  await assert.rejects(givenUp, why);
  assert.ok(performance.now() - aborted < WITHIN / 4);
  assert.deepEqual(await waited.next(), { done: true, value: undefined });
});
