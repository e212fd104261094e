// A login whose person the program talks to: callbacks, their errors, and the login in two halves.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { afterEach, beforeEach, test } from 'node:test';

import { Broker, PendingLogin } from 'tokenkeep';
import { Stage, program } from '../../tests/support/node/index.mjs';

let stage, broker;
beforeEach(async () => {
  stage = await Stage.acme();
  broker = new Broker(stage.options);
});
afterEach(() => stage.stop());

test('methods may be sync or async, and are called as methods', async () => {
  const told = [];
  class Window {
    flowChosen(flow, reason) {
      told.push(flow, typeof reason, this instanceof Window);
    }
    async openUrl(url) {
      told.push(new URL(url).pathname, this instanceof Window);
      await stage.person.openUrl(url);
    }
  }
  const connection = await broker.login('acme', { interaction: new Window(), flow: 'pkce' });
  assert.equal(connection.status, 'connected');
  assert.deepEqual(told, ['pkce', 'string', true, '/authorize', true]);
});

test('a device code is shown with the fields that are documented', async () => {
  await stage.server.change({ device_interval: 1, device_approve_after: 0 });
  let shown;
  const interaction = { showDeviceAuthorization: (device) => void (shown = device) };
  const connection = await broker.login('acme', { interaction, flow: 'device_code', scopes: 'read' });
  assert.deepEqual(connection.requestedScopes, ['read', 'offline_access']);
  const fields = ['expiresIn', 'message', 'userCode', 'verificationUri', 'verificationUriComplete'];
  assert.deepEqual(Object.keys(shown).sort(), fields);
  assert.deepEqual([shown.verificationUri, shown.expiresIn], [`${stage.server.origin}/device`, 900]);
  assert.throws(() => (shown.userCode = 'x'), TypeError);
});

test('an address that was pasted, after one that was not the answer', async () => {
  const told = [];
  let redirected;
  const interaction = {
    openUrl: async (url) => void (redirected = (await fetch(url, { redirect: 'manual' })).headers.get('location')),
    readRedirectUrl: () => (told.length === 0 ? 'http://127.0.0.1/callback?state=x' : Promise.resolve(redirected)),
    responseRefused: (reason) => void told.push(reason),
  };
  const connection = await broker.login('acme', { interaction, paste: true });
  assert.deepEqual([connection.status, told.length, typeof told[0]], ['connected', 1, 'string']);
});

for (const method of ['flowChosen', 'openUrl', 'showDeviceAuthorization', 'readRedirectUrl']) {
  test(`what ${method} throws ends the login, and is the cause`, async () => {
    const thrown = method === 'openUrl' ? 'a text' : new RangeError(`no ${method}`);
    const interaction = { openUrl() {}, showDeviceAuthorization() {} };
    interaction[method] = method === 'flowChosen' ? () => { throw thrown; } : async () => { throw thrown; };
    const flow = method === 'showDeviceAuthorization' ? 'device_code' : 'pkce';
    const login = broker.login('acme', { interaction, flow, paste: method === 'readRedirectUrl' });
    await assert.rejects(login, (error) => {
      assert.equal(error.code, 'login_cancelled');
      assert.equal(error.cause, thrown);
      assert.ok(error.message.includes(thrown.message ?? thrown), error.message);
      return true;
    });
  });
}

test('an answer that is no text ends the login as well', async () => {
  const interaction = { openUrl() {}, readRedirectUrl: () => 7 };
  await assert.rejects(broker.login('acme', { interaction, paste: true }), { code: 'login_cancelled' });
});

test('without an interaction the person is at the terminal', async () => {
  // The browser is that of the environment, as for the command line.
  const script = `
    const { Broker } = require('tokenkeep');
    new Broker().login('acme').then((connection) => console.log(connection.status));`;
  const environment = { ...stage.home.environment, BROWSER: program('stand-in-person') };
  const child = spawn(process.execPath, ['-e', script], { env: environment, stdio: ['ignore', 'pipe', 'pipe'], cwd: import.meta.dirname });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.equal(stdout, 'connected\n', stderr);
  assert.match(stderr, /Open this address in your browser:/);
});

test('a login in two halves', async () => {
  const options = { redirectUri: 'http://127.0.0.1:1/callback', scopes: ['read'] };
  await assert.rejects(broker.beginLogin('acme', {}), { code: 'config_invalid' });
  const [pending, other] = [await broker.beginLogin('acme', options), await broker.beginLogin('acme', options)];
  assert.ok(pending instanceof PendingLogin);
  const callback = async (begun) =>
    (await fetch(begun.authorizationUrl, { redirect: 'manual' })).headers.get('location');

  // The answer to another login is refused, and this one is still pending.
  await assert.rejects(broker.finishLogin(pending, await callback(other)), { code: 'provider_rejected' });
  const connection = await broker.finishLogin(pending, new URL(await callback(pending)));
  assert.deepEqual(connection.grantedScopes, ['read', 'offline_access']);
  assert.equal(await stage.server.resource((await broker.token('acme')).secret), 200);
});

async function text(stream) {
  let all = '';
  for await (const part of stream.setEncoding('utf8')) all += part;
  return all;
}
