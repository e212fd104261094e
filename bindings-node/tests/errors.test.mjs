// Every code of tests/vectors/errors.json arrives as a TokenkeepError that says what the table says.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Broker, TokenkeepError } from 'tokenkeep';
import { Stage, root } from '../../tests/support/node/index.mjs';

const table = JSON.parse(readFileSync(join(root, 'tests/vectors/errors.json'), 'utf8')).errors;

/** How each is provoked, on a stage whose login has expired. */
const provoked = {
  config_invalid: () => new Broker({ lockWait: -1 }),
  unknown_provider: ({ broker }) => broker.token('nobody'),
  registration_missing: ({ broker }) => broker.login('microsoft'),
  not_connected: ({ broker }) => broker.token('acme', { connection: 'other' }),
  login_required: atRefresh({ type: 'error', error: 'invalid_grant' }),
  login_cancelled: ({ stage, broker }) =>
    stage.login(broker, { interaction: { openUrl: () => Promise.reject(new Error('not now')) } }),
  login_timed_out: ({ stage, broker }) => stage.login(broker, { timeout: 0.2, interaction: { openUrl() {} } }),
  access_denied: async ({ stage, broker }) => {
    await stage.server.change({ person: 'deny' });
    // The browser's last page is no success, which is not what is told here.
    return stage.login(broker, { interaction: { openUrl: (url) => stage.person.openUrl(url).catch(() => {}) } });
  },
  consent_required: atRefresh({ type: 'error', error: 'consent_required' }),
  interaction_required: atRefresh({ type: 'error', error: 'interaction_required', claims: '{"a":1}' }),
  scope_not_granted: ({ broker }) => broker.token('acme', { scopes: ['admin'] }),
  provider_rejected: atRefresh({ type: 'error', error: 'invalid_client', status: 401 }),
  network: atRefresh({ type: 'reply', status: 502 }),
  throttled: atRefresh({ type: 'throttle', retry_after_seconds: 60 }),
  store_locked: ({ stage }) => new Broker({ home: join(stage.home.path, 'new'), keySource: 'passphrase' }).initialize(),
  store_unavailable: ({ stage }) => {
    const home = stage.home.write('file', '');
    return new Broker({ ...stage.options, home }).initialize();
  },
  store_corrupt: ({ stage, broker }) => {
    const records = join(stage.home.store, 'records');
    writeFileSync(join(records, readdirSync(records)[0]), 'damaged');
    return broker.connection('acme');
  },
  lock_timeout: async ({ stage }) => {
    const locks = join(stage.home.store, 'locks');
    const held = readdirSync(locks).map((name) => join(locks, name));
    const holder = spawn('flock', [held[0], 'sh', '-c', 'echo held; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    try {
      return await new Broker({ ...stage.options, lockWait: 0.1 }).token('acme');
    } finally {
      holder.stdin.end();
    }
  },
  unsupported: ({ stage, broker }) => stage.login(broker, { flow: 'device_code' }),
};

/** No call answers these today. */
const unprovoked = ['admin_consent_required', 'internal'];

function atRefresh(action) {
  return async ({ stage, broker }) => {
    await stage.server.atRefresh(action, 10);
    return broker.token('acme');
  };
}

test('the table has no code that is not tried here', () => {
  assert.deepEqual([...Object.keys(provoked), ...unprovoked].sort(), table.map((row) => row.code).sort());
});

for (const row of table.filter(({ code }) => provoked[code])) {
  test(row.code, async () => {
    const stage = await Stage.acme();
    try {
      const broker = new Broker(stage.options);
      await stage.loginExpired(broker);
      const error = await failure(() => provoked[row.code]({ stage, broker }));
      assert.equal(error.code, row.code, inspect(error));
      assert.equal(error.retryable, row.retryable);
      assert.ok(error instanceof TokenkeepError && error instanceof Error);
      assert.ok(error.message && error.help);
      assert.match(inspect(error), /^TokenkeepError: /);
      assert.ok(inspect(error).includes("help: "));
      details[row.code]?.(error);
    } finally {
      await stage.stop();
    }
  });
}

/** What only some codes say. */
const details = {
  login_required(error) {
    assert.equal(error.reason, 'grant_ended');
    assert.equal(error.server.error, 'invalid_grant');
    assert.deepEqual(error.server.errorCodes, []);
    assert.equal(error.server.suberror, null);
  },
  throttled(error) {
    const seconds = (error.retryAt.getTime() - Date.now()) / 1000;
    assert.ok(seconds > 50 && seconds < 70, `${seconds} s`);
  },
  interaction_required(error) {
    assert.equal(error.claims, '{"a":1}');
  },
  login_cancelled(error) {
    assert.equal(error.message, 'not now');
    assert.equal(error.cause.message, 'not now');
  },
  not_connected(error) {
    for (const name of ['server', 'reason', 'retryAt', 'claims', 'cause']) assert.ok(!(name in error), name);
  },
};

test('an argument of the wrong type is no TokenkeepError', async () => {
  const broker = new Broker({ home: '/nowhere' });
  const calls = [() => broker.token(5), () => broker.token('acme', { minLifetime: '5' }), () => new Broker({ home: 5 })];
  for (const call of calls) {
    const error = await failure(call);
    assert.ok(error instanceof Error && !(error instanceof TokenkeepError), inspect(error));
  }
});

async function failure(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}
