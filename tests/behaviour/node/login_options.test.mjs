// What a login can ask beside scopes: of the login page, and of the token.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Stage, fails } from './stage.mjs';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const ANNA = 'anna@contoso.example';
const BORIS = 'boris@contoso.example';

/** The parameters of the last authorization request. */
async function lastAsked(stage) {
  return (await stage.entries('authorize')).at(-1).parameters;
}

/** The claims of a request, by its parameters. */
function claimsOf({ claims }) {
  return claims && JSON.parse(claims);
}

/** The claims of the last request with this grant type. */
async function lastClaims(stage, grantType) {
  return claimsOf((await stage.asked(grantType)).at(-1).parameters);
}

/** Microsoft, where devices are approved at the first poll. */
async function microsoft(t) {
  const stage = await Stage.microsoft(t);
  await stage.change({ device_interval: 1, device_approve_after: 0 });
  return stage;
}

/** Logs in with a device code, which nobody looks at. */
function deviceLogin(stage, options) {
  return stage.login({ flow: 'device_code', interaction: { showDeviceAuthorization() {} }, ...options });
}

test('prompt_and_hints_are_sent', async (t) => {
  const stage = await microsoft(t);
  const hints = { loginHint: ANNA, domainHint: 'contoso.example' };
  const { account } = await stage.login({ prompt: 'login', ...hints });
  let asked = await lastAsked(stage);
  assert.deepEqual([asked.prompt, asked.login_hint, asked.domain_hint], ['login', ANNA, 'contoso.example']);
  assert.equal(account.username, ANNA);
  // They are of one login: the next one is as the provider's definition has it.
  await stage.login();
  asked = await lastAsked(stage);
  assert.equal(asked.prompt, 'select_account');
  assert.ok(!('login_hint' in asked) && !('domain_hint' in asked), inspect(asked));

  // Nobody is asked for what is not of its form, or cannot be sent.
  const before = await stage.entries();
  for (const [options, inMessage] of [
    [{ prompt: 'always' }, '"always"'],
    [{ prompt: '' }, 'prompt'],
    [{ loginHint: 'anna\nboris' }, 'login hint'],
    [{ loginHint: 'a'.repeat(321) }, 'login hint'],
    [{ domainHint: ' ' }, 'domain hint'],
  ]) {
    const error = await fails(stage.login(options), 'config_invalid');
    assert.ok(error.message.includes(inMessage), error.message);
  }
  for (const hint of [{ prompt: 'login' }, { loginHint: ANNA }, { domainHint: 'a.example' }]) {
    const error = await fails(deviceLogin(stage, hint), 'config_invalid');
    assert.match(error.help, /--flow pkce/);
  }
  assert.deepEqual(await stage.entries(), before);
  // A login in two halves has the same options.
  const redirectUri = 'http://localhost/callback';
  const pending = await stage.broker().beginLogin('microsoft', { ...hints, prompt: 'consent', redirectUri });
  const sent = Object.fromEntries(new URL(pending.authorizationUrl).searchParams);
  assert.deepEqual([sent.prompt, sent.login_hint, sent.domain_hint], ['consent', ANNA, 'contoso.example']);

  // Any other provider: OIDC's own parameters, and no organizations.
  const oidc = await Stage.oidc(t);
  await oidc.login({ prompt: 'select_account', loginHint: ANNA });
  asked = await lastAsked(oidc);
  assert.deepEqual([asked.prompt, asked.login_hint], ['select_account', ANNA]);
  await fails(oidc.login({ domainHint: 'contoso.example' }), 'config_invalid');
});

test('claims_are_sent_with_the_next_login', async (t) => {
  const stage = await microsoft(t);
  await stage.loginExpired({ loginHint: ANNA });
  const demanded = { access_token: { acrs: { essential: true, value: 'c1' } } };
  await stage.atRefresh({ type: 'error', error: 'interaction_required', claims: JSON.stringify(demanded) });
  const refusal = await fails(stage.token(), 'interaction_required');
  assert.deepEqual(JSON.parse(refusal.claims), demanded);

  // The login that repairs it carries them by itself, for the account that it is about.
  await stage.login();
  const asked = await lastAsked(stage);
  assert.deepEqual(claimsOf(asked), demanded);
  assert.equal(asked.login_hint, ANNA);
  assert.ok(!('prompt' in asked), 'nobody is to choose another account');
  // Its token meets the demand, however it is written.
  const token = await stage.accessToken();
  assert.equal(await stage.accessToken({ claims: JSON.stringify(demanded, null, 2) }), token);
  assert.equal((await stage.refreshes()).length, 1);
  // What was met is not asked for again.
  await stage.login({ loginHint: ANNA });
  assert.equal(claimsOf(await lastAsked(stage)), undefined);

  // Named by the caller, in either flow.
  const named = { access_token: { nbf: { essential: true, value: '1700000000' } } };
  const claims = JSON.stringify(named);
  await stage.login({ claims });
  assert.deepEqual(claimsOf(await lastAsked(stage)), named);
  assert.equal(await stage.accessToken({ claims }), await stage.accessToken());
  await deviceLogin(stage, { connection: 'device', claims });
  assert.deepEqual(await lastClaims(stage, DEVICE_CODE), named);
  await stage.token({ connection: 'device', claims });
  assert.equal((await stage.refreshes()).length, 1);

  // The challenge was to this account: another one's grant is not put in its place.
  const kept = stage.records();
  const error = await fails(stage.login({ claims, loginHint: BORIS }), 'provider_rejected');
  for (const told of [ANNA, BORIS]) assert.ok(error.message.includes(told), error.message);
  assert.deepEqual(stage.records(), kept);
  for (const wrong of ['essential', '[]']) await fails(stage.login({ claims: wrong }), 'config_invalid');
});

test('client_capabilities_are_sent', async (t) => {
  const stage = await microsoft(t);
  const capabilities = { xms_cc: { values: ['cp1'] } };
  await stage.login();
  assert.equal(claimsOf(await lastAsked(stage)), undefined);
  const connection = await stage.login({ clientCapabilities: ['cp1'] });
  assert.deepEqual(connection.clientCapabilities, ['cp1']);
  assert.deepEqual(claimsOf(await lastAsked(stage)), { access_token: capabilities });
  assert.deepEqual(await lastClaims(stage, 'authorization_code'), { access_token: capabilities });
  // The next login remembers them, and adds them to what is demanded.
  const demand = { nbf: { essential: true, value: '1' } };
  const claims = JSON.stringify({ access_token: demand });
  await stage.login({ claims });
  assert.deepEqual(claimsOf(await lastAsked(stage)), { access_token: { ...demand, ...capabilities } });
  // What the token was asked for is the demand; the capabilities are the client's.
  assert.equal(await stage.accessToken({ claims }), await stage.accessToken());
  assert.deepEqual(await stage.refreshes(), []);
  await stage.token({ forceRefresh: true });
  assert.deepEqual((await lastClaims(stage, 'refresh_token')).access_token.xms_cc, capabilities.xms_cc);

  await deviceLogin(stage);
  assert.deepEqual(await lastClaims(stage, DEVICE_CODE), { access_token: capabilities });
  for (const wrong of ['cp 1', '', 'cp1;x']) {
    await fails(stage.login({ clientCapabilities: [wrong] }), 'config_invalid');
  }
});
