// A token that is at hand, and a token that somebody wants to be fresher.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { AccessToken } from 'tokenkeep';
import { Stage, fails, until } from './stage.mjs';

test('cached_token_sends_nothing', async (t) => {
  const stage = await Stage.oidc(t);
  await stage.login();
  const asked = (await stage.entries()).length;
  const token = await stage.token();
  assert.ok(token instanceof AccessToken);
  assert.deepEqual([token.provider, token.connection, token.tokenType], ['oidc', 'default', 'Bearer']);
  assert.deepEqual(token.scopes, ['openid', 'offline_access']);
  assert.equal(token.resource, null);
  const minutes = (token.expiresAt - Date.now()) / 60_000;
  assert.ok(token.expiresAt instanceof Date && minutes > 55 && minutes <= 60, `${minutes} minutes`);
  assert.equal(token.authorizationHeader(), `Bearer ${token.secret}`);
  for (const shown of [inspect(token, { depth: null, showHidden: true }), JSON.stringify(token), String(token)]) {
    assert.ok(!shown.includes(token.secret), shown);
  }
  assert.equal(stage.broker().cachedToken('oidc').secret, token.secret, 'another broker has it too');
  assert.equal((await stage.entries()).length, asked);

  // Offline it is as good, and comes at once.
  await stage.server.stop();
  stage.reopen();
  assert.equal(await stage.accessToken(), token.secret);
  assert.equal(await stage.accessToken({ scopes: ['openid'], minLifetime: 600 }), token.secret);
  const broker = stage.broker();
  assert.equal(broker.cachedToken('oidc', { scopes: 'openid', minLifetime: 600 }).secret, token.secret);
  for (const [provider, code] of [['google', 'not_connected'], ['nobody', 'unknown_provider']]) {
    await fails(broker.token(provider), code);
    await fails(() => broker.cachedToken(provider), code);
  }
});

test('forced_refresh', async (t) => {
  const stage = await Stage.acme(t);
  await stage.login();
  const first = await stage.accessToken();
  const second = await stage.accessToken({ forceRefresh: true });
  assert.notEqual(first, second);
  assert.equal(await stage.accessToken(), second, 'what was forced is what everybody gets');
  assert.equal(stage.broker().cachedToken('acme').secret, second);
  assert.equal((await stage.refreshes()).length, 1);
  assert.equal(await stage.resource(second), 200);
});

test('min_lifetime', async (t) => {
  const stage = await Stage.acme(t);
  await stage.login();
  const first = await stage.accessToken({ minLifetime: 600 });
  assert.deepEqual(await stage.refreshes(), [], 'it is good for an hour');
  // A server gives what it gives: the newest is handed out, and asked for once.
  assert.equal(stage.broker().cachedToken('acme', { minLifetime: 7200 }), null, 'a refresh is needed for that');
  const second = await stage.accessToken({ minLifetime: 7200 });
  assert.notEqual(first, second);
  assert.equal((await stage.refreshes()).length, 1);
  // With a server that gives longer ones it is met.
  await stage.change({ access_token_lifetime: 10_000 });
  const third = await stage.accessToken({ minLifetime: 7200 });
  assert.equal(await stage.accessToken({ minLifetime: 7200 }), third);
  assert.equal((await stage.refreshes()).length, 2);
});

test('refresh_in_is_served_and_refreshed', async (t) => {
  const stage = await Stage.microsoft(t);
  const broker = stage.broker();
  /** The token that is handed out; what is fetched meanwhile has been written down. */
  const settled = async (options) => {
    const { secret } = await broker.token('microsoft', options);
    await broker.close();
    return secret;
  };
  // Long enough for a busy machine to be asked for the first token before it has passed.
  await stage.change({ refresh_in: 3 });
  await stage.login();
  await stage.change({ refresh_in: null });
  const first = await settled();
  assert.deepEqual(await stage.refreshes(), []);
  // Past it the old token is served still, and a new one is fetched for the next caller.
  await until(async () => {
    assert.equal(await settled(), first);
    return (await stage.refreshes()).length > 0;
  });
  const second = await settled();
  assert.notEqual(first, second);
  assert.equal((await stage.refreshes()).length, 1);
  assert.equal(await stage.resource(second), 200);

  // A server in trouble is no trouble while the token works.
  await stage.change({ refresh_in: 3 });
  const third = await settled({ forceRefresh: true });
  await stage.atRefresh({ type: 'reply', status: 503, body: 'canary' });
  await until(async () => {
    assert.equal(await settled(), third);
    return (await stage.refreshes()).length === 3;
  });
  assert.equal(await settled(), third);
});
