// A connection ends: at the server where that can be, and here in any case.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stage, fails } from './stage.mjs';

/** Nothing is left of the connection, and nobody says that there is. */
async function assertGone(stage, options) {
  assert.deepEqual(stage.records(), []);
  await fails(stage.token(options), 'not_connected');
  await fails(stage.connection(options), 'not_connected');
  await fails(stage.logout(options), 'not_connected');
  const { connections, damaged } = await stage.broker().connections();
  assert.deepEqual([connections, damaged], [[], []]);
}

test('logout_revokes_and_deletes', async (t) => {
  const stage = await Stage.acme(t);
  await stage.login();
  const token = await stage.accessToken({ forceRefresh: true });
  const [refresh] = await stage.refreshes();
  const outcome = await stage.logout();
  assert.deepEqual(outcome, { provider: 'acme', connection: 'default', revocation: 'revoked', detail: null });
  assert.ok(Object.isFrozen(outcome));
  await assertGone(stage);
  assert.equal(await stage.resource(token), 401, 'the server ended it');
  const [revoked, ...more] = await stage.entries('revoke');
  assert.deepEqual(more, []);
  // RFC 7009 2.1: with the refresh token the server ends the whole grant.
  assert.equal(revoked.parameters.token_type_hint, 'refresh_token');
  assert.equal(revoked.parameters.token, refresh.outcome.issued.refresh_token);

  // One of two: the other goes on.
  const [a, b] = [{ connection: 'a' }, { connection: 'b' }];
  await stage.login(a);
  await stage.login(b);
  assert.equal((await stage.logout(a)).connection, 'a');
  await fails(stage.token(a), 'not_connected');
  assert.equal(await stage.resource(await stage.accessToken(b)), 200);
  assert.equal((await stage.logout(b)).revocation, 'revoked');
  await assertGone(stage, b);

  // A grant that had ended is not asked about.
  await stage.loginExpired();
  await stage.revokeAll();
  await fails(stage.token(), 'login_required');
  const asked = (await stage.entries('revoke')).length;
  assert.equal((await stage.logout()).revocation, 'already_ended');
  assert.equal((await stage.entries('revoke')).length, asked);
  await assertGone(stage);
});

test('logout_without_revocation_endpoint_says_so', async (t) => {
  const stage = await Stage.microsoft(t);
  await stage.login();
  const { revocation, detail } = await stage.logout();
  assert.equal(revocation, 'not_supported');
  assert.match(detail, /https:\/\/myaccount\.microsoft\.com/);
  await assertGone(stage);
});

test('logout_when_the_server_is_down_still_deletes', async (t) => {
  const stage = await Stage.acme(t);
  const fails = async () => {
    const { revocation, detail } = await stage.logout();
    assert.equal(revocation, 'failed');
    assert.ok(detail !== '' && !/canary|refresh-|access-/.test(detail), detail);
    await assertGone(stage);
  };
  for (const action of [
    { type: 'reply', status: 503, body: 'canary' },
    { type: 'drop_before' },
    { type: 'error', status: 401, error: 'invalid_client' },
  ]) {
    await stage.login();
    await stage.fault({ endpoint: 'revoke', action });
    await fails();
  }
  await stage.login();
  await stage.server.stop();
  await fails();
});

test('logout_forgets_the_client', async (t) => {
  const stage = await Stage.oidc(t);
  const broker = stage.broker();
  const login = () => stage.login({ clientId: undefined });
  const { issuer } = stage.server;
  await broker.setRegistration('oidc', { issuer, clientId: 'public' });
  await login();
  // Only when it is asked for.
  await stage.logout();
  assert.equal((await broker.registration('oidc', { issuer })).clientId, 'public');

  await login();
  await stage.logout();
  assert.equal((await broker.removeRegistration('oidc', { issuer })).deletion, 'not_managed');
  assert.equal(await broker.registration('oidc', { issuer }), null);
  assert.equal(await broker.removeRegistration('oidc', { issuer }), null);
  await fails(login(), 'registration_missing');
});
