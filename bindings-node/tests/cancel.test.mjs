// A call that is given up: it rejects at once, with the signal's reason, and what it had begun is not lost.

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';

import { Broker } from 'tokenkeep';
import { Stage, until } from '../../tests/support/node/index.mjs';

/** How long a caller waits for the end of a call that it has given up. */
const SOON = 200;

let stage, broker;
beforeEach(async () => {
  stage = await Stage.acme();
  broker = new Broker(stage.options);
});
afterEach(() => stage.stop());

/** Gives up what `call` begins, once `begun` is so, and checks how it ends. */
async function givenUp(call, begun) {
  const controller = new AbortController();
  const reason = new Error('enough');
  const ended = assert.rejects(call(controller.signal), (error) => error === reason);
  await until(begun);
  const aborted = performance.now();
  controller.abort(reason);
  await ended;
  assert.ok(performance.now() - aborted < SOON, `${performance.now() - aborted} ms`);
  assert.deepEqual(getEventListeners(controller.signal, 'abort'), []);
}

test('a refresh that was given up goes on: its token is stored', async () => {
  await stage.loginExpired(broker);
  await stage.server.atRefresh({ type: 'delay', milliseconds: 600, when: 'after' });
  await givenUp(
    (signal) => broker.token('acme', { signal }),
    () => stage.server.faultsAreSpent(),
  );
  await broker.close();
  const stored = broker.cachedToken('acme');
  assert.equal(await stage.server.resource(stored.secret), 200);
  // The refresh token that came with it was not lost either: the server would tell one that is used twice.
  assert.notEqual((await broker.token('acme', { forceRefresh: true })).secret, stored.secret);
  const { reuse_count: reused } = await stage.server.journal();
  assert.deepEqual([(await stage.server.refreshes()).length, reused], [2, 0]);
});

test('a login that was given up frees its port', async () => {
  let port;
  const interaction = {
    openUrl(url) {
      port = Number(new URL(new URL(url).searchParams.get('redirect_uri')).port);
      // Somebody who does not answer holds up nobody.
      return new Promise(() => {});
    },
  };
  await givenUp(
    (signal) => broker.login('acme', { interaction, signal, flow: 'pkce' }),
    () => port !== undefined,
  );
  await until(() => isClosed(port));
  assert.deepEqual((await broker.connections()).connections, []);
});

test('a stream of changes that was given up holds nobody', async () => {
  await givenUp(
    async (signal) => {
      for await (const change of broker.connectionChanges({ signal })) assert.fail(change.kind);
    },
    () => true,
  );
});

test('a call whose signal was aborted before does nothing', async () => {
  await stage.loginExpired(broker);
  const signal = AbortSignal.abort();
  const calls = [
    () => broker.token('acme', { signal }),
    () => broker.login('acme', { signal }),
    () => broker.tokenAfterRefusal('acme', { refused: 'x', signal }),
    () => broker.connectionChanges({ signal }).next(),
    () => broker.beginLogin('acme', { redirectUri: 'http://127.0.0.1:1/callback', signal }),
  ];
  for (const call of calls) await assert.rejects(call, { name: 'AbortError' });
  assert.equal((await stage.server.refreshes()).length, 0);
});

test('the signal counts for a token at hand as well', async () => {
  await stage.login(broker);
  await broker.token('acme');
  await assert.rejects(broker.token('acme', { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('a signal that times out says so, and one that outlives its calls is not held', async () => {
  await stage.loginExpired(broker);
  await stage.server.atRefresh({ type: 'delay', milliseconds: 400 });
  await assert.rejects(broker.token('acme', { signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' });
  await broker.close();
  const controller = new AbortController();
  for (let i = 0; i < 20; i++) await broker.token('acme', { forceRefresh: i % 2 === 0, signal: controller.signal });
  assert.deepEqual(getEventListeners(controller.signal, 'abort'), []);
});

function isClosed(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(false)).on('error', () => resolve(true)).on('close', () => socket.destroy());
    socket.end();
  });
}
