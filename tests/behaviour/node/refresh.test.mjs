// A refresh that goes well: once, with the newest refresh token, whoever asks.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Elsewhere, Stage, fails } from './stage.mjs';

test('expired_token_is_refreshed_and_rotated', async (t) => {
  for (const stage of [await Stage.acme(t), await Stage.microsoft(t)]) {
    await stage.loginExpired();
    assert.equal((await stage.connection()).refreshedAt, null);
    const [login, ...more] = await stage.asked('authorization_code');
    assert.deepEqual(more, []);
    const second = await stage.accessToken();
    const third = await stage.accessToken({ forceRefresh: true });
    assert.notEqual(second, third);
    const refreshes = await stage.refreshes();
    assert.equal(refreshes.length, 2);
    // Each time the newest, and never one twice.
    const [one, two] = refreshes;
    assert.equal(one.parameters.refresh_token, login.outcome.issued.refresh_token);
    assert.equal(two.parameters.refresh_token, one.outcome.issued.refresh_token);
    assert.equal((await stage.journal()).reuse_count, 0);
    assert.equal(await stage.resource(third), 200);
    const { refreshedAt, loggedInAt } = await stage.connection();
    assert.ok(refreshedAt instanceof Date && refreshedAt >= loggedInAt);

    // Entra wants the scopes named (AADSTS900144), others need not hear them.
    const entra = 'https://graph.microsoft.com/User.Read openid profile offline_access';
    for (const entry of refreshes) {
      assert.equal(entry.origin, false);
      for (const absent of ['client_secret', 'resource']) assert.ok(!(absent in entry.parameters), absent);
      assert.equal(entry.parameters.scope, stage.provider === 'microsoft' ? entra : undefined);
    }
  }
});

test('refresh_token_is_kept_when_none_is_sent', async (t) => {
  const stage = await Stage.acme(t);
  await stage.change({ rotation: 'none' });
  await stage.loginExpired();
  await stage.accessToken();
  await stage.accessToken({ forceRefresh: true });
  assert.ok((await stage.connection()).hasRefreshToken);
  // A server that rotates again later is followed as well.
  await stage.change({ rotation: 'reuse-detection' });
  await stage.accessToken({ forceRefresh: true });
  await stage.accessToken({ forceRefresh: true });
  const [first, second, third, fourth] = (await stage.refreshes()).map((one) => one.parameters.refresh_token);
  assert.deepEqual([second, third], [first, first]);
  assert.ok(fourth && fourth !== third);
  assert.equal((await stage.journal()).reuse_count, 0);
});

test('eight_processes_one_refresh', async (t) => {
  for (const rotation of ['none', 'keep-old', 'reuse-detection', 'grace:30']) {
    const stage = await Stage.acme(t);
    await stage.change({ rotation });
    await stage.loginExpired();
    // Slow enough that all have asked before the first has its answer.
    await stage.atRefresh({ type: 'delay', milliseconds: 700 });
    const all = await Promise.all(Array.from({ length: 8 }, () => Elsewhere.start(t, stage)));
    const tokens = await Promise.all(all.map((one) => one.accessToken('acme')));
    assert.equal(new Set(tokens).size, 1, rotation);
    assert.equal((await stage.refreshes()).length, 1, rotation);
    assert.equal((await stage.journal()).reuse_count, 0, rotation);
    assert.equal(await stage.resource(tokens[0]), 200, rotation);
  }
});

test('two_refresh_of_two_accounts_run_in_parallel', async (t) => {
  const stage = await Stage.acme(t);
  await stage.loginExpired({ connection: 'a' });
  await stage.loginExpired({ connection: 'b' });
  await stage.atRefresh({ type: 'delay', milliseconds: 1500 }, 2);
  const begun = performance.now();
  const [a, b] = await Promise.all(['a', 'b'].map((connection) => stage.token({ connection })));
  const took = performance.now() - begun;
  assert.deepEqual([a.connection, b.connection], ['a', 'b']);
  assert.notEqual(a.secret, b.secret);
  const refreshes = await stage.refreshes();
  assert.equal(refreshes.length, 2);
  const between = refreshes[1].milliseconds - refreshes[0].milliseconds;
  assert.ok(between < 1500, 'the second did not wait for the first\'s answer');
  assert.ok(took < 2900, `${took} ms`);
});

test('lock_timeout_in_the_time_that_was_given', async (t) => {
  const stage = await Stage.acme(t);
  await stage.loginExpired();
  await stage.atRefresh({ type: 'delay', milliseconds: 60_000 });
  const holder = await Elsewhere.start(t, stage);
  // It is stopped, and killed, before it has an answer.
  holder.accessToken('acme').catch(() => {});
  await stage.untilAFaultStruck();
  holder.signal('SIGSTOP');

  // Not to wait at all is a wish too.
  for (const lockWait of [1, 0]) {
    const begun = performance.now();
    const error = await fails(stage.broker({ lockWait }).token('acme'), 'lock_timeout');
    const took = performance.now() - begun;
    assert.match(error.message, new RegExp(`longer than ${lockWait}\\.0 s`));
    assert.ok(took >= lockWait * 1000 && took < (lockWait + 2) * 1000, `${took} ms`);
  }
  const told = async (seconds) => {
    const patient = await Elsewhere.start(t, stage, { environment: { TOKENKEEP_LOCK_WAIT: seconds } });
    return patient.accessToken('acme').then(assert.fail, (error) => error);
  };
  const error = await told('2');
  assert.equal(error.code, 'lock_timeout');
  assert.match(error.message, /longer than 2\.0 s/);
  for (const odd of ['soon', '-1', '1.5', '86401']) {
    const { code, message } = await told(odd);
    assert.equal(code, 'config_invalid');
    assert.ok(message.includes('TOKENKEEP_LOCK_WAIT') && message.includes(odd), message);
  }
  await fails(() => stage.broker({ lockWait: -1 }), 'config_invalid');
  for (const odd of [NaN, Infinity, 'soon']) assert.throws(() => stage.broker({ lockWait: odd }));
});
