// What only a library can show: a program's own interaction, callers that give up, and what others do meanwhile.

import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { AccessToken } from 'tokenkeep';
import { program } from '../../support/node/index.mjs';
import { Stage, fails, isClosed, person, until } from './stage.mjs';

/** A program that notes what it is told, and does with the URL what the test says. */
class Program {
  told = [];
  #withUrl;

  constructor(withUrl) {
    this.#withUrl = withUrl;
  }

  flowChosen(flow, reason) {
    assert.notEqual(reason, '');
    this.told.push(`flow ${flow}`);
  }

  openUrl(url) {
    this.told.push('open');
    return this.#withUrl(url);
  }

  showDeviceAuthorization(device) {
    this.told.push(`device ${device.userCode.length} of 9, ${device.expiresIn} s`);
    return this.#withUrl(device.verificationUriComplete);
  }

  responseRefused(reason) {
    assert.notEqual(reason, '');
    this.told.push('refused');
  }
}

/** What `promise` rejects with, and how long after now. */
async function rejection(promise) {
  const begun = performance.now();
  const reason = await promise.then(() => assert.fail('it was not given up'), (reason) => reason);
  return { reason, milliseconds: performance.now() - begun };
}

test('cancelled_caller_keeps_the_rotated_token', async (t) => {
  const stage = await Stage.acme(t);
  await stage.loginExpired();
  await stage.atRefresh({ type: 'delay', milliseconds: 1000, when: 'after' });
  const broker = stage.broker();
  // Who gives up before it begins asks nobody.
  await assert.rejects(broker.token('acme', { signal: AbortSignal.abort() }), { name: 'AbortError' });
  assert.deepEqual(await stage.refreshes(), []);

  const controller = new AbortController();
  const asked = broker.token('acme', { signal: controller.signal });
  await stage.untilAFaultStruck();
  const why = new Error('the user has left');
  controller.abort(why);
  const { reason, milliseconds } = await rejection(asked);
  assert.equal(reason, why);
  assert.ok(milliseconds < 200, `${milliseconds} ms`);

  await broker.close();
  const token = broker.cachedToken('acme');
  assert.ok(token instanceof AccessToken, 'the store has the new token');
  assert.equal(await stage.accessToken(), token.secret);
  assert.equal((await stage.refreshes()).length, 1);
  // The refresh token that came with it was not lost either.
  assert.equal(await stage.resource(await stage.accessToken({ forceRefresh: true })), 200);
  assert.equal((await stage.journal()).reuse_count, 0);
});

test('what_other_processes_do_is_noticed_at_once', async (t) => {
  const stage = await Stage.acme(t);
  await stage.login();
  const broker = stage.broker();
  const elsewhere = async (...commandArguments) => {
    const { code, stdout, stderr } = await stage.home.tokenkeep(...commandArguments);
    assert.equal(code, 0, stderr);
    return stdout.trimEnd();
  };
  const loginElsewhere = () => elsewhere('login', 'acme', '--browser', program('stand-in-person'));
  const asked = () => broker.cachedToken('acme').secret;
  // Each change follows right upon a call that found the record in memory.
  for (let round = 0; round < 3; round++) {
    const before = asked();
    const refreshed = await elsewhere('token', 'acme', '--force-refresh');
    assert.ok(asked() !== before && asked() === refreshed, 'a refresh');
    assert.equal((await broker.token('acme')).secret, refreshed);

    await loginElsewhere();
    const found = asked();
    assert.ok(found !== refreshed && found === (await elsewhere('token', 'acme')), 'a login');

    await elsewhere('logout', 'acme');
    await fails(asked, 'not_connected');
    await fails(broker.token('acme'), 'not_connected');
    await loginElsewhere();
    assert.equal(asked(), await elsewhere('token', 'acme'));
    asked();
  }

  // A token that was handed out without a word on scopes is not handed out for more than it grants.
  for (let round = 0; round < 3; round++) {
    asked();
    await fails(() => broker.cachedToken('acme', { scopes: 'read admin' }), 'scope_not_granted');
    await fails(broker.token('acme', { scopes: ['read', 'admin'] }), 'scope_not_granted');
    assert.equal(broker.cachedToken('acme', { scopes: ['read'] }).secret, asked());
  }

  // A whole store that is moved away takes its files along; that is seen a moment later.
  asked();
  const away = join(stage.home.path, 'away');
  renameSync(stage.home.store, away);
  await until(() => {
    try {
      asked();
      return false;
    } catch {
      return true;
    }
  });
  renameSync(away, stage.home.store);
  asked();
});

test('a_thousand_callers_of_one_process_make_one_refresh', async (t) => {
  const stage = await Stage.acme(t);
  await stage.loginExpired();
  await stage.atRefresh({ type: 'delay', milliseconds: 300 });
  // Two brokers of one process are as one.
  const brokers = [stage.broker(), stage.broker()];
  const callers = Array.from({ length: 1000 }, (_, caller) => brokers[caller % 2].token('acme'));
  const tokens = await Promise.all(callers);
  assert.equal(new Set(tokens.map((token) => token.secret)).size, 1);
  assert.equal(await stage.resource(tokens[0].secret), 200);
  assert.equal((await stage.refreshes()).length, 1);
});

test('cancelled_login_frees_the_port_and_keeps_nothing', async (t) => {
  const stage = await Stage.acme(t);
  await stage.login();
  const before = stage.records();
  const login = await stage.beginLogin();
  const { port } = login;
  assert.notEqual((await person.get(login.redirect())).status, 200, 'the redirect is listened to');
  login.abort();
  const { reason, milliseconds } = await rejection(login.ended);
  assert.equal(reason.name, 'AbortError');
  assert.ok(milliseconds < 200, `${milliseconds} ms`);
  assert.ok(await isClosed(port));
  assert.deepEqual(stage.records(), before);
});

test('interaction_is_told_what_happens', async (t) => {
  const stage = await Stage.acme(t);
  // A browser that brings a stranger's answer first.
  let visited;
  const browser = async (url) => {
    const foreign = await person.redirected(url);
    foreign.searchParams.set('state', 'x');
    assert.equal((await person.get(foreign)).status, 400);
    assert.equal(await person.visit(url), 0);
  };
  let told = new Program((url) => void (visited = browser(url)));
  const connection = await stage.login({ interaction: told });
  await visited;
  assert.deepEqual([connection.status, connection.hasRefreshToken], ['connected', true]);
  assert.deepEqual(told.told, ['flow pkce', 'open', 'refused']);

  await stage.change({ device_interval: 1, device_approve_after: 0 });
  told = new Program(() => {});
  await stage.login({ flow: 'device_code', interaction: told });
  assert.deepEqual(told.told, ['flow device_code', 'device 9 of 9, 900 s']);

  // The person closes the window: the program says so, at once or later, and the login ends with that.
  const closed = new Error('the window was closed');
  const throws = () => {
    throw closed;
  };
  for (const flow of ['pkce', 'device_code']) {
    for (const closes of [throws, async () => throws()]) {
      const error = await fails(stage.login({ flow, interaction: new Program(closes) }), 'login_cancelled');
      assert.equal(error.message, 'the window was closed');
      assert.equal(error.cause, closed);
    }
  }
  // So does a method whose answer nobody waits for.
  const error = await fails(stage.login({ interaction: { flowChosen: throws, openUrl() {} } }), 'login_cancelled');
  assert.equal(error.cause, closed);
});

test('begin_and_finish_login', async (t) => {
  const stage = await Stage.oidc(t);
  const broker = stage.broker();
  const options = { ...stage.named, redirectUri: 'http://127.0.0.1:1/callback' };
  await fails(broker.beginLogin('oidc', stage.named), 'config_invalid');

  const pending = await broker.beginLogin('oidc', options);
  const other = await broker.beginLogin('oidc', options);
  const answer = await person.redirected(pending.authorizationUrl);
  const foreign = await person.redirected(other.authorizationUrl);

  // The answer to another login is refused, and this one is still pending.
  const wrong = [foreign, 'http://127.0.0.1:1/callback', '', 'http://127.0.0.1:1/callback?code=x'];
  for (const url of wrong) await fails(broker.finishLogin(pending, url), 'provider_rejected');
  assert.deepEqual(await stage.asked('authorization_code'), []);
  const connection = await broker.finishLogin(pending, answer);
  assert.equal(connection.account.username, 'person@example.com');

  // The same answer a second time: a server that sees a code twice ends the grant (RFC 6749 4.1.2).
  await fails(broker.finishLogin(pending, answer), 'provider_rejected');
  assert.equal((await stage.asked('authorization_code')).length, 1, 'a code is sent once');
  assert.equal(await stage.resource((await broker.token('oidc')).secret), 200);
  // The other one can still be finished, with the address as text.
  assert.equal((await broker.finishLogin(other, foreign.href)).status, 'connected');
});
