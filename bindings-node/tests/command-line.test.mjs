// `npx tokenkeep`: the command line that the package carries.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Stage, program, run } from '../../tests/support/node/index.mjs';

let stage;
before(async () => (stage = await Stage.acme()));
after(() => stage.stop());

function tokenkeep(commandArguments, settings = {}) {
  const script = join(import.meta.dirname, '..', 'bin', 'tokenkeep.js');
  const env = { ...stage.home.environment, BROWSER: program('stand-in-person') };
  return run(process.execPath, [script, ...commandArguments], { env, cwd: stage.home.path, ...settings });
}

test('it is the command line: the same store, output and exit codes', async () => {
  const missing = await tokenkeep(['token', 'acme', '--json']);
  assert.deepEqual([missing.code, JSON.parse(missing.stderr).error.code], [13, 'not_connected']);
  assert.equal((await tokenkeep(['login', 'acme'])).code, 0);
  const [own, rust] = [await tokenkeep(['token', 'acme']), await stage.home.tokenkeep('token', 'acme')];
  assert.deepEqual([own.code, own.stdout], [0, rust.stdout]);
  assert.match((await tokenkeep(['--help'])).stdout, /Usage: tokenkeep/);
  assert.equal((await tokenkeep(['no-such-command'])).code, (await stage.home.tokenkeep('no-such-command')).code);
});

test('a secret is read from its stdin', async () => {
  const stored = await tokenkeep(['client', 'set', 'acme', '--client-id', 'x', '--client-secret-stdin'], { stdin: 'canary\n' });
  assert.equal(stored.code, 0, stored.stderr);
});

for (const [signal, command, code, said] of [
  ['SIGINT', ['login', 'acme', '--no-browser', '--json'], 15, 'login_cancelled'],
  ['SIGTERM', ['login', 'acme', '--no-browser', '--json'], 15, 'login_cancelled'],
]) {
  test(`${signal} cancels a login, as in the command line in Rust`, async () => {
    const interrupt = (child) => child.stderr.on('data', (text) => /^http/m.test(text) && child.kill(signal));
    const begun = performance.now();
    const ended = await tokenkeep(command, { started: interrupt });
    assert.deepEqual([ended.code, ended.signal], [code, null], ended.stderr);
    assert.equal(JSON.parse(ended.stderr.trim().split('\n').at(-1)).error.code, said);
    assert.ok(performance.now() - begun < 10_000);
  });
}

test('where the command line does not listen for a signal, the signal ends it', async () => {
  // It waits for a secret on its stdin, which stays open.
  const script = join(import.meta.dirname, '..', 'bin', 'tokenkeep.js');
  const { spawn } = await import('node:child_process');
  const { once } = await import('node:events');
  const command = ['client', 'set', 'acme', '--client-id', 'x', '--client-secret-stdin'];
  const child = spawn(process.execPath, [script, ...command], { env: stage.home.environment, stdio: ['pipe', 'ignore', 'ignore'] });
  const { setTimeout: sleep } = await import('node:timers/promises');
  await sleep(1000);
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGINT']);
});
