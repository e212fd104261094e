// A person logs in with the browser, by pasting, or does not finish.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CLIENT_ID, Stage, fails, isClosed, person } from './stage.mjs';

test('login_with_the_browser', async (t) => {
  // Microsoft: the answer comes in a form.
  let stage = await Stage.microsoft(t);
  const connection = await stage.login();
  assert.deepEqual([connection.provider, connection.connection], ['microsoft', 'default']);
  assert.deepEqual([connection.status, connection.loginRequired], ['connected', null]);
  assert.equal(connection.account.username, 'person@example.com');
  assert.equal(connection.clientId, CLIENT_ID);
  assert.ok(connection.hasRefreshToken && Object.isFrozen(connection) && Object.isFrozen(connection.account));
  assert.ok(connection.loggedInAt instanceof Date && connection.expiresAt > connection.loggedInAt);

  let [asked] = await stage.entries('authorize');
  assert.equal(asked.path, '/common/oauth2/v2.0/authorize');
  const { redirect_uri: redirectUri, ...parameters } = asked.parameters;
  const wanted = {
    client_id: CLIENT_ID,
    response_type: 'code',
    response_mode: 'form_post',
    client_info: '1',
    code_challenge_method: 'S256',
    prompt: 'select_account',
    scope: 'https://graph.microsoft.com/User.Read openid profile offline_access',
  };
  for (const [name, value] of Object.entries(wanted)) assert.equal(parameters[name], value, name);
  assert.match(redirectUri, /^http:\/\/localhost:\d+\/callback$/);
  assert.ok(!('resource' in parameters));

  const redemptions = await stage.asked('authorization_code');
  assert.equal(redemptions.length, 1);
  const [redeemed] = redemptions;
  assert.equal(redeemed.path, '/common/oauth2/v2.0/token');
  assert.equal(redeemed.client_authentication, 'none');
  assert.equal(redeemed.parameters.client_info, '1');
  assert.equal(redeemed.parameters.redirect_uri, redirectUri);
  for (const absent of ['client_secret', 'resource']) assert.ok(!(absent in redeemed.parameters), absent);
  assert.equal(redeemed.origin, false, 'Entra takes whoever sends an Origin for a web page');
  assert.equal(await stage.resource(await stage.accessToken()), 200);

  // Any other server: the answer comes in the address.
  stage = await Stage.oidc(t);
  assert.equal((await stage.login()).issuer, stage.server.issuer);
  [asked] = await stage.entries('authorize');
  assert.ok(!('response_mode' in asked.parameters));
  assert.match(asked.parameters.redirect_uri, /^http:\/\/127\.0\.0\.1:/);
  assert.equal(asked.parameters.scope, 'openid offline_access');
  // OIDC Core 11: offline_access is granted when consent is asked for.
  assert.equal(asked.parameters.prompt, 'consent');
  assert.equal(await stage.resource(await stage.accessToken()), 200);
});

test('login_by_pasting_the_redirect_url', async (t) => {
  const stage = await Stage.microsoft(t);
  const told = [];
  let url;
  let pasted;
  const foreign = () => {
    const url = new URL(pasted);
    url.searchParams.set('state', 'x');
    return url.href;
  };
  const wrong = [() => 'this is not an address', foreign];
  const interaction = {
    openUrl: (opened) => void (url = new URL(opened)),
    async readRedirectUrl() {
      told.push('asked');
      pasted ??= await person.redirected(url);
      if (wrong.length > 0) return wrong.shift()();
      assert.deepEqual(await stage.asked('authorization_code'), [], 'a foreign answer is not redeemed');
      return `  ${pasted}  \n`;
    },
    responseRefused(reason) {
      assert.notEqual(reason, '');
      told.push('refused');
    },
  };
  const connection = await stage.login({ paste: true, interaction });
  assert.equal(connection.status, 'connected');
  assert.deepEqual(told, ['asked', 'refused', 'asked', 'refused', 'asked']);
  // A form post cannot be pasted.
  assert.equal(url.searchParams.get('response_mode'), null);

  // Nobody pastes anything.
  const nobody = await stage.beginLogin({ paste: true, connection: 'other' });
  await fails(nobody.ended, 'unsupported');
});

test('login_denied', async (t) => {
  const stage = await Stage.microsoft(t);
  await stage.change({ person: 'form' });
  const error = await fails(stage.login({ deny: true }), 'access_denied');
  assert.match(error.message, /access_denied/);
  assert.equal(error.server.error, 'access_denied');
  assert.deepEqual(await stage.asked('authorization_code'), []);
  assert.deepEqual(stage.records(), []);
  // The same person has another thought.
  assert.equal((await stage.login()).status, 'connected');
});

test('login_timed_out', async (t) => {
  const stage = await Stage.microsoft(t);
  const begun = performance.now();
  const login = await stage.beginLogin({ timeout: 1 });
  const { port } = login;
  assert.notEqual((await person.get(login.redirect())).status, 200, 'the redirect is listened to');
  const error = await fails(login.ended, 'login_timed_out');
  const took = performance.now() - begun;
  assert.ok(took >= 1000 && took < 5000, `${took} ms`);
  assert.match(error.help, /timeout/);
  assert.ok(await isClosed(port));
  assert.deepEqual(stage.records(), []);
});
