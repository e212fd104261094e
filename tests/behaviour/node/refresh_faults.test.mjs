// A refresh that goes wrong: what ends a login, what does not, and what is still handed out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Elsewhere, Stage, fails, until } from './stage.mjs';

/** A stage whose token has expired, and whose next refresh meets `action`. */
async function atRefresh(t, action, rotation = 'reuse-detection') {
  const stage = await Stage.acme(t);
  await stage.change({ rotation });
  await stage.loginExpired();
  await stage.atRefresh(action);
  return stage;
}

test('grant_revoked_is_login_required', async (t) => {
  for (const stage of [await Stage.acme(t), await Stage.microsoft(t)]) {
    const work = { connection: 'work' };
    await stage.loginExpired(work);
    await stage.revokeAll();
    for (let time = 0; time < 2; time++) {
      const error = await fails(stage.token(work), 'login_required');
      assert.equal(error.reason, 'grant_ended');
      assert.ok(error.help.includes(`\`tokenkeep login ${stage.provider} --connection work\``), error.help);
      if (time === 0) assert.equal(error.server.error, 'invalid_grant');
    }
    assert.equal(stage.broker().cachedToken(stage.provider, work), null, 'nothing is left to hand out');
    assert.equal((await stage.refreshes()).length, 1, 'a grant that has ended is not asked for again');
    // The record is kept: the login can be repeated as it was.
    const ended = await stage.connection(work);
    assert.deepEqual([ended.status, ended.loginRequired], ['login_required', 'grant_ended']);
    assert.notDeepEqual(ended.requestedScopes, []);
    const again = await stage.login(work);
    assert.deepEqual([again.status, again.loginRequired], ['connected', null]);
    assert.equal(await stage.resource(await stage.accessToken(work)), 200);
  }
});

test('lost_response_is_recovered_on_entra', async (t) => {
  const entra = await Stage.microsoft(t);
  await entra.loginExpired();
  await entra.atRefresh({ type: 'drop_after' });
  assert.equal(await entra.resource(await entra.accessToken()), 200);
  const sends = await entra.refreshes();
  assert.equal(sends.length, 2);
  assert.equal(sends[0].parameters.refresh_token, sends[1].parameters.refresh_token);
  await entra.accessToken({ forceRefresh: true });

  // Lost twice, and found by the next process: the marker in the record tells it.
  await entra.loginExpired();
  await entra.atRefresh({ type: 'drop_after' }, 2);
  await fails(entra.token(), 'network');
  assert.equal((await entra.connection()).status, 'connected');
  const next = await Elsewhere.start(t, entra);
  assert.equal(await entra.resource(await next.accessToken('microsoft')), 200);

  // A server with a grace period gives the same pair again.
  const grace = await atRefresh(t, { type: 'drop_after' }, 'grace:30');
  assert.equal(await grace.resource(await grace.accessToken()), 200);
  await grace.accessToken({ forceRefresh: true });
});

test('lost_response_on_a_strict_server_is_login_required', async (t) => {
  let stage = await atRefresh(t, { type: 'drop_after' });
  const error = await fails(stage.token(), 'login_required');
  assert.equal(error.reason, 'response_lost');
  assert.match(error.message, /lost/);
  assert.equal((await stage.refreshes()).length, 2);
  assert.equal((await stage.connection()).loginRequired, 'response_lost');
  await stage.login();
  assert.equal(await stage.resource(await stage.accessToken()), 200);

  // Lost before the server acted is not lost at all.
  stage = await atRefresh(t, { type: 'drop_before' });
  assert.equal(await stage.resource(await stage.accessToken()), 200);
  assert.equal((await stage.journal()).reuse_count, 0);
});

test('a_rotation_in_an_answer_of_no_use_is_not_lost', async (t) => {
  const stage = await Stage.acme(t);
  for (const change of [{ set: { expires_in: 'soon' } }, { remove: ['access_token'] }, { set: { token_type: 'mac' } }]) {
    await stage.loginExpired();
    await stage.atRefresh({ type: 'mutate', ...change });
    await fails(stage.token(), 'provider_rejected');
    assert.equal((await stage.connection()).status, 'connected', inspect(change));
    // What it held is sent next: on this server the one before would end the login.
    assert.equal(await stage.resource(await stage.accessToken()), 200, inspect(change));
  }
  assert.equal((await stage.journal()).reuse_count, 0);
});

test('server_errors_serve_the_valid_token', async (t) => {
  const troubles = {
    busy: [1, { type: 'error', status: 503, error: 'temporarily_unavailable' }],
    // Who fails is not believed on the end of a grant.
    lies: [1, { type: 'error', status: 503, error: 'invalid_grant' }],
    html: [1, { type: 'reply', status: 200, body: '<html>canary</html>' }],
    drop: [2, { type: 'drop_before' }],
  };
  const stage = await Stage.acme(t);
  for (const [connection, [times, trouble]] of Object.entries(troubles)) {
    await stage.login({ connection });
    const token = await stage.accessToken({ connection });
    await stage.atRefresh(trouble, times);
    assert.equal(await stage.accessToken({ connection, minLifetime: 7200 }), token, connection);
    assert.ok(await stage.server.faultsAreSpent(), connection);
    assert.equal((await stage.connection({ connection })).status, 'connected', connection);

    // With no token to go on with it is an error that may pass, and passes.
    const expired = { connection: `${connection}-expired` };
    await stage.loginExpired(expired);
    await stage.atRefresh(trouble, times);
    await fails(stage.token(expired), 'network');
    assert.equal((await stage.connection(expired)).status, 'connected', connection);
    assert.equal(await stage.resource(await stage.accessToken(expired)), 200, connection);
  }
  assert.equal((await stage.journal()).reuse_count, 0);
});

test('the_same_refusal_is_not_asked_for_twice', async (t) => {
  const stage = await Stage.microsoft(t);
  const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
  const refusals = {
    interaction_required: { type: 'error', error: 'invalid_grant', claims },
    consent_required: { type: 'error', error: 'invalid_grant', suberror: 'consent_required' },
  };
  for (const [code, refusal] of Object.entries(refusals)) {
    await stage.loginExpired();
    const before = (await stage.refreshes()).length;
    await stage.atRefresh(refusal);
    const first = await fails(stage.token(), code);
    assert.ok(first.help.includes('`tokenkeep login microsoft`'), first.help);
    // Whoever asks within the minute is told the same, and what to do about it.
    for (const options of [{}, { forceRefresh: true }]) {
      const again = await fails(stage.token(options), code);
      assert.deepEqual([again.message, again.help], [first.message, first.help]);
      assert.equal(again.claims, code === 'interaction_required' ? claims : undefined);
    }
    const elsewhere = await Elsewhere.start(t, stage);
    await assert.rejects(elsewhere.accessToken('microsoft'), { code, message: first.message });
    assert.equal((await stage.refreshes()).length, before + 1, code);
    // The person has acted: nothing is left of it.
    await stage.login();
    assert.equal(await stage.resource(await stage.accessToken({ forceRefresh: true })), 200);
  }

  // A client that was refused may be put right at once, and is asked for at once.
  await stage.loginExpired();
  const before = (await stage.refreshes()).length;
  await stage.atRefresh({ type: 'error', error: 'invalid_client' }, 2);
  for (let time = 0; time < 2; time++) {
    const error = await fails(stage.token(), 'provider_rejected');
    assert.equal(error.server.error, 'invalid_client');
  }
  assert.equal((await stage.refreshes()).length, before + 2);
});

test('tokens_that_end_at_once_make_no_loop', async (t) => {
  for (const lifetime of [0, 1]) {
    const stage = await Stage.acme(t);
    await stage.loginExpired();
    await stage.change({ access_token_lifetime: lifetime });
    // What the server gives is handed out to whoever was there when it came.
    assert.notEqual(await stage.accessToken(), '');
    await until(() => stage.token().then(() => false, () => true));
    for (const options of [{}, { forceRefresh: true }, { minLifetime: 60 }]) {
      const error = await fails(stage.token(options), 'throttled');
      assert.ok(error.message.includes(`tokens that live ${lifetime} s`), error.message);
      const wait = error.retryAt - Date.now();
      assert.ok(error.retryAt instanceof Date && wait > 0 && wait <= 31_000, `${wait} ms`);
    }
    assert.equal((await stage.refreshes()).length, 1, 'one request in thirty seconds');
    assert.equal((await stage.connection()).status, 'connected');
    // Whoever runs the server has put it right, and a new login need not wait.
    await stage.change({ access_token_lifetime: 3600 });
    await stage.login();
    assert.equal(await stage.resource(await stage.accessToken({ forceRefresh: true })), 200);
  }
});
