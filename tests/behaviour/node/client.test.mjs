// Which client logs in, and what a login remembers of the one before.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CLIENT_ID, Stage, fails } from './stage.mjs';

const OPTION = 'aaaaaaaa-0000-4000-8000-000000000001';
const OWN_VARIABLE = 'aaaaaaaa-0000-4000-8000-000000000002';
const KNOWN_VARIABLE = 'aaaaaaaa-0000-4000-8000-000000000003';
const STORED = 'aaaaaaaa-0000-4000-8000-000000000004';

/** The last authorization request. */
async function lastAsked(stage) {
  return (await stage.entries('authorize')).at(-1);
}

/** Microsoft, without a client id in the options. */
async function microsoft(t) {
  const stage = await Stage.microsoft(t);
  stage.named = {};
  return stage;
}

/** Sets a variable of this process until the test ends. */
function setVariable(t, name, value) {
  process.env[name] = value;
  t.after(() => delete process.env[name]);
}

test('client_id_precedence', async (t) => {
  const stage = await microsoft(t);
  const broker = stage.broker();
  const error = await fails(stage.login(), 'registration_missing');
  const tried = ['--client-id', 'TOKENKEEP_MICROSOFT_CLIENT_ID', 'MICROSOFT_OAUTH_CLIENT_ID', 'stored registration'];
  for (const place of tried) assert.ok(error.message.includes(place), `${place}: ${error.message}`);
  // The portal's steps, with what to enter there to the letter.
  for (const step of ['https://entra.microsoft.com', 'Mobile and desktop applications']) {
    assert.ok(error.help.includes(step), `${step}: ${error.help}`);
  }
  assert.ok(error.help.split('\n').some((line) => line.trim() === 'http://localhost/callback'), error.help);
  assert.deepEqual(await stage.entries(), []);

  const login = async (connection, options) => {
    const made = await stage.login({ connection, ...options });
    const { client_id: clientId } = await lastAsked(stage);
    assert.equal(made.clientId, clientId);
    return clientId;
  };
  assert.equal(await broker.registration('microsoft'), null);
  const stored = await broker.setRegistration('microsoft', { clientId: STORED });
  assert.deepEqual([stored.provider, stored.clientId, stored.hasClientSecret], ['microsoft', STORED, false]);
  assert.ok(stored.storedAt instanceof Date);
  assert.deepEqual(await broker.registration('microsoft'), stored);
  assert.equal(await login('a'), STORED);
  setVariable(t, 'MICROSOFT_OAUTH_CLIENT_ID', KNOWN_VARIABLE);
  assert.equal(await login('b'), KNOWN_VARIABLE);
  setVariable(t, 'TOKENKEEP_MICROSOFT_CLIENT_ID', OWN_VARIABLE);
  assert.equal(await login('c'), OWN_VARIABLE);
  assert.equal(await login('d', { clientId: OPTION }), OPTION);
});

test('login_again_remembers_client_tenant_and_scopes', async (t) => {
  let stage = await microsoft(t);
  const broker = stage.broker();
  const first = { clientId: CLIENT_ID, tenant: 'organizations', scopes: ['Mail.Read', 'Calendars.Read'] };
  await stage.login(first);
  const before = await lastAsked(stage);
  await stage.login();
  const again = await lastAsked(stage);
  assert.equal(again.path, '/organizations/oauth2/v2.0/authorize');
  for (const same of ['client_id', 'scope']) assert.equal(again.parameters[same], before.parameters[same]);
  // A registration that was stored since is the user's newer word.
  await broker.setRegistration('microsoft', { clientId: STORED });
  await stage.login({ clientId: CLIENT_ID });
  await broker.setRegistration('microsoft', { clientId: STORED });
  await stage.login();
  assert.equal((await lastAsked(stage)).client_id, STORED);
  await stage.login(first);
  // What is named replaces what is remembered.
  const changed = await stage.login({ tenant: 'contoso.example', scopes: 'User.Read' });
  const asked = await lastAsked(stage);
  assert.equal(asked.path, '/contoso.example/oauth2/v2.0/authorize');
  assert.equal(asked.parameters.scope, 'User.Read openid profile offline_access');
  assert.equal(changed.tenant, 'contoso.example');
  assert.ok(changed.requestedScopes.includes('User.Read') && !changed.requestedScopes.includes('Mail.Read'));

  // The issuer of a server that was found through it. Scopes may be any iterable.
  stage = await Stage.oidc(t);
  await stage.login({ scopes: new Set(['openid', 'email']) });
  stage.named = {};
  await stage.login();
  assert.equal((await lastAsked(stage)).parameters.scope, 'openid email offline_access');
});

test('two_connections_of_one_provider', async (t) => {
  const stage = await Stage.microsoft(t);
  await stage.login({ connection: 'work' });
  await stage.login({ connection: 'me@example.com', tenant: 'consumers' });
  const { connections, damaged } = await stage.broker().connections();
  assert.deepEqual(connections.map((one) => one.connection), ['me@example.com', 'work']);
  assert.deepEqual(damaged, []);
  const work = await stage.token({ connection: 'work' });
  const own = await stage.token({ connection: 'me@example.com' });
  assert.notEqual(work.secret, own.secret);
  assert.deepEqual([work.connection, own.connection], ['work', 'me@example.com']);
  // No connection stands in for one that was not named.
  await fails(stage.token(), 'not_connected');

  const outcome = await stage.logout({ connection: 'work' });
  assert.deepEqual([outcome.provider, outcome.connection], ['microsoft', 'work']);
  await fails(stage.token({ connection: 'work' }), 'not_connected');
  assert.equal(await stage.accessToken({ connection: 'me@example.com' }), own.secret);
});
