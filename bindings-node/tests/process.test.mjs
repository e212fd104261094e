// The process around the calls: nothing keeps it alive, nothing is lost at its end, and it may have many threads and
// children.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { Broker } from 'tokenkeep';
import { Stage, program, run } from '../../tests/support/node/index.mjs';

let stage, broker;
before(async () => {
  stage = await Stage.acme();
  broker = new Broker(stage.options);
});
beforeEach(async () => {
  await stage.loginExpired(broker);
});
after(() => stage.stop());

/** Runs a script beside the package to its end, in the stage's home. */
async function script(text, ...scriptArguments) {
  const flags = ['--unhandled-rejections=strict', '--input-type=module', '--eval', text, ...scriptArguments];
  const env = { ...stage.home.environment, BROWSER: program('stand-in-person') };
  const ended = await run(process.execPath, flags, { env, cwd: import.meta.dirname });
  assert.deepEqual([ended.code, ended.signal], [0, null], ended.stderr);
  return ended;
}

test('a program that logs in, gets a token and runs to its end, ends', async () => {
  const { stdout, milliseconds } = await script(`
    import { Broker } from 'tokenkeep';
    const broker = new Broker();
    await broker.login('acme', { flow: 'pkce' });
    console.log((await broker.token('acme')).secret === broker.cachedToken('acme').secret);
    console.log(process.getActiveResourcesInfo().filter((kind) => !/Pipe|TTY/.test(kind)));`);
  assert.equal(stdout, 'true\n[]\n');
  assert.ok(milliseconds < 10_000, `${milliseconds} ms`);
});

test('a login that nobody finishes keeps the process until it is given up', async () => {
  await script(`
    import { Broker } from 'tokenkeep';
    const begun = Date.now();
    const interaction = { openUrl() {} };
    await new Broker().login('acme', { interaction, flow: 'pkce', timeout: 0.5 }).catch((error) => console.log(error.code));
    if (Date.now() - begun < 400) throw new Error('too soon');`);
});

test('a refresh under way is written down before the program ends', async () => {
  const before = (await stage.server.refreshes()).length;
  await stage.server.atRefresh({ type: 'delay', milliseconds: 700, when: 'after' });
  const { milliseconds } = await script(`
    import { Broker } from 'tokenkeep';
    new Broker().token('acme', { signal: AbortSignal.timeout(300) }).catch(() => {});`);
  assert.ok(milliseconds > 600, `${milliseconds} ms`);
  assert.equal((await stage.server.refreshes()).length, before + 1);
  assert.ok(broker.cachedToken('acme'), 'the token that it left was stored');
});

test('worker threads share one refresh', async () => {
  const before = (await stage.server.refreshes()).length;
  await stage.server.atRefresh({ type: 'delay', milliseconds: 200 });
  const { stdout } = await script(`
    import { once } from 'node:events';
    import { Worker } from 'node:worker_threads';
    const code = \`
      const { parentPort } = require('node:worker_threads');
      const { Broker } = require('tokenkeep');
      new Broker().token('acme').then((token) => parentPort.postMessage(token.secret));\`;
    const workers = Array.from({ length: 8 }, () => new Worker(code, { eval: true, execArgv: [] }));
    const ended = workers.map((worker) => once(worker, 'exit'));
    const tokens = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
    await Promise.all(ended);
    console.log(tokens.length, new Set(tokens).size);`);
  assert.equal(stdout, '8 1\n');
  assert.equal((await stage.server.refreshes()).length, before + 1);
});

test('a worker may be terminated in the middle of a call, and another one goes on', async () => {
  const before = (await stage.server.refreshes()).length;
  await stage.server.atRefresh({ type: 'delay', milliseconds: 500, when: 'after' });
  const { stdout } = await script(`
    import { once } from 'node:events';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { Worker } from 'node:worker_threads';
    import { Broker } from 'tokenkeep';
    const code = (call) => \`
      const { parentPort } = require('node:worker_threads');
      const { Broker } = require('tokenkeep');
      \${call};
      parentPort.postMessage('begun');\`;
    const refresh = code("new Broker().token('acme')");
    const login = code("new Broker().login('acme', { flow: 'pkce', interaction: { openUrl: () => new Promise(() => {}) } })");
    for (let round = 0; round < 10; round++) {
      const workers = [refresh, login].map((text) => new Worker(text, { eval: true, execArgv: [] }));
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      await sleep(round * 10);
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    const token = await new Broker().token('acme');
    console.log(token.expiresAt > new Date());`);
  assert.equal(stdout, 'true\n');
  assert.equal((await stage.server.refreshes()).length, before + 1);
  assert.equal((await stage.server.journal()).reuse_count, 0);
});

test('the processes of a cluster share one refresh', async () => {
  const before = (await stage.server.refreshes()).length;
  await stage.server.atRefresh({ type: 'delay', milliseconds: 200 });
  const { stdout } = await script(`
    import cluster from 'node:cluster';
    import { once } from 'node:events';
    cluster.setupPrimary({ exec: 'programs/cluster-worker.cjs', execArgv: [] });
    const workers = Array.from({ length: 4 }, () => cluster.fork());
    const tokens = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
    console.log(tokens.length, new Set(tokens).size);
    for (const worker of workers) worker.disconnect();`);
  assert.equal(stdout, '4 1\n');
  assert.equal((await stage.server.refreshes()).length, before + 1);
});

test('a broker that nobody holds is collected, and so is a login that has ended', async () => {
  const flags = ['--expose-gc', '--input-type=module', '--eval'];
  const text = `
    import { setTimeout as sleep } from 'node:timers/promises';
    import { Broker } from 'tokenkeep';
    let collected = 0;
    const registry = new FinalizationRegistry(() => collected++);
    const interaction = () => { const it = { openUrl() { throw new Error('no'); } }; registry.register(it); return it; };
    for (let i = 0; i < 20; i++) {
      const broker = new Broker();
      registry.register(broker);
      await broker.login('acme', { flow: 'pkce', interaction: interaction() }).catch(() => {});
    }
    for (let i = 0; i < 100 && collected < 38; i++) { gc(); await sleep(20); }
    console.log(collected >= 38);`;
  const env = stage.home.environment;
  const { stdout, stderr } = await run(process.execPath, [...flags, text], { env, cwd: import.meta.dirname });
  assert.equal(stdout, 'true\n', stderr);
});
