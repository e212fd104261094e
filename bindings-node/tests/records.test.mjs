// What a broker answers: with the fields that are documented, immutable, and without a secret wherever it is shown.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { format, inspect } from 'node:util';

import { AccessToken, Broker, TokenkeepError } from 'tokenkeep';
import { Stage } from '../../tests/support/node/index.mjs';

const GRAPH = 'https://graph.microsoft.com';

let stage, broker, token;
before(async () => {
  stage = await Stage.microsoft();
  broker = new Broker(stage.options);
  await stage.login(broker, { scopes: ['User.Read', 'openid'], tenant: 'organizations' });
  token = await broker.token('microsoft');
});
after(() => stage.stop());

test('a token works, and says what it is', async () => {
  assert.ok(token instanceof AccessToken);
  assert.equal(await stage.server.resource(token.secret), 200);
  assert.equal(token.authorizationHeader(), `Bearer ${token.secret}`);
  assert.deepEqual([token.provider, token.connection, token.tokenType], ['microsoft', 'default', 'Bearer']);
  assert.ok(token.scopes.includes('User.Read'), `${token.scopes}`);
  assert.equal(token.resource, GRAPH);
  const minutes = (token.expiresAt - Date.now()) / 60_000;
  assert.ok(minutes > 55 && minutes <= 61, `${minutes} min`);
  assert.equal(broker.cachedToken('microsoft').secret, token.secret);
});

test('a token may be of any length', async () => {
  const plain = await Stage.acme();
  try {
    const broker = new Broker(plain.options);
    await plain.login(broker);
    for (const length of [1, 4000, 5000, 20_000]) {
      const secret = 'a'.repeat(length - 1) + 'z';
      await plain.server.atRefresh({ type: 'mutate', set: { access_token: secret } });
      assert.equal((await broker.token('acme', { forceRefresh: true })).secret, secret);
      const cached = broker.cachedToken('acme');
      assert.deepEqual([cached.secret, cached.provider, cached.scopes.length], [secret, 'acme', 3]);
    }
  } finally {
    await plain.stop();
  }
});

test('a token is told to mail servers', () => {
  for (const [mechanism, told] of [['xoauth2', 'user=me@contoso.example'], ['oauthbearer', 'n,a=me@contoso.example,']]) {
    const response = Buffer.from(token.sasl(mechanism, 'me@contoso.example'), 'base64').toString();
    assert.equal(response, `${told}\x01auth=Bearer ${token.secret}\x01\x01`);
  }
  const isSilent = (error) => error.code === 'config_invalid' && !inspect(error).includes(token.secret);
  assert.throws(() => token.sasl('xoauth2', 'a\r\nb'), isSilent);
  assert.throws(() => token.sasl('plain', 'me'), isSilent);
});

test('a token never shows its secret unless it is asked for it', async () => {
  const shown = [
    inspect(token),
    inspect(token, { showHidden: true, depth: 9 }),
    format('%o %O %j %s', token, { token }, token, token),
    JSON.stringify({ token }),
    String(token),
    JSON.stringify(structuredClone({ token })),
    JSON.stringify({ ...token }),
    JSON.stringify(Object.getOwnPropertyDescriptors(token)),
    inspect(await broker.connections(), { depth: 9, showHidden: true }),
    inspect(await broker.connectionChanges().next(), { depth: 9, showHidden: true }),
    inspect(broker, { depth: 9, showHidden: true }),
  ];
  for (const text of shown) assert.ok(!text.includes(token.secret.slice(0, 20)), text);
  assert.match(inspect(token), /^AccessToken \{\n  provider: 'microsoft',/);
  assert.equal(JSON.parse(JSON.stringify(token)).expiresAt, token.expiresAt.toISOString());
});

test('a connection has the fields that are documented', async () => {
  const connection = await broker.connection('microsoft');
  const fields =
    'accessTokens account apiHosts application clientCapabilities clientId connection credentialExpiresAt dpop expiresAt ' +
    'grantedScopes hasRefreshToken issuer loggedInAt loginRequired missingScopes provider refreshedAt requestedScopes ' +
    'resource status tenant values';
  assert.deepEqual(Object.keys(connection).sort(), fields.split(' '));
  const account = 'guest homeAccountId issuer objectId subject tenantId username';
  assert.deepEqual(Object.keys(connection.account).sort(), account.split(' '));
  assert.deepEqual([connection.status, connection.loginRequired], ['connected', null]);
  assert.equal(connection.tenant, 'organizations');
  assert.ok(connection.account.username && connection.account.tenantId);
  assert.deepEqual([connection.account.guest, connection.application, connection.clientCapabilities], [false, false, []]);
  const [held, ...more] = connection.accessTokens;
  assert.deepEqual(more, []);
  assert.deepEqual({ ...held }, { resource: GRAPH, scopes: connection.grantedScopes, expiresAt: connection.expiresAt });
  assert.ok(connection.loggedInAt instanceof Date && Math.abs(connection.loggedInAt - Date.now()) < 60_000);
  assert.equal(connection.refreshedAt, null);
  assert.deepEqual(connection, (await broker.connections()).connections[0]);
});

test('records are immutable', async () => {
  const connection = await broker.connection('microsoft');
  assert.throws(() => (connection.status = 'x'), TypeError);
  assert.throws(() => connection.grantedScopes.push('x'), TypeError);
  assert.throws(() => (connection.account.username = 'x'), TypeError);
  assert.throws(() => token.scopes.push('x'), TypeError);
  assert.throws(() => (token.secret = 'x'), TypeError);
});

test('a record that cannot be read is an error in its own place', async () => {
  const { damaged } = await broker.connections();
  assert.deepEqual(damaged, []);
  stage.home.write('store/providers/broken.toml', 'name = ');
  const { providers, damaged: broken } = await broker.providers();
  assert.ok(providers.some((provider) => provider.name === 'github'));
  assert.ok(broken.length === 1 && broken[0] instanceof TokenkeepError);
  assert.equal(broken[0].code, 'config_invalid');
});

test('providers, registrations and the store, as they are documented', async () => {
  const fields =
    'accessTokenVariable apiHosts confidence definition discovery displayName documentation endpoints file name origin ' +
    'presets values';
  const provider = await broker.provider('microsoft');
  assert.deepEqual(Object.keys(provider).sort(), fields.split(' '));
  assert.deepEqual([provider.origin, provider.file.endsWith('microsoft.toml')], ['user', true]);
  assert.deepEqual(Object.keys(provider.endpoints[0]).sort(), ['name', 'url']);
  const mail = provider.presets.find(({ name }) => name === 'mail-read');
  assert.deepEqual({ ...mail }, { name: 'mail-read', scopes: [`${GRAPH}/Mail.Read`] });
  assert.equal((await broker.provider('github')).file, null);

  assert.equal(await broker.registration('github'), null);
  const stored = await broker.setRegistration('github', { clientId: 'Iv1.x', clientSecret: 'canary' });
  assert.deepEqual(Object.keys(stored).sort(), ['clientId', 'dynamic', 'hasClientSecret', 'issuer', 'provider', 'storedAt']);
  assert.ok(stored.hasClientSecret && stored.storedAt instanceof Date && !inspect(stored).includes('canary'));
  assert.deepEqual(await broker.registration('github'), stored);
  const removed = await broker.removeRegistration('github');
  assert.deepEqual({ ...removed }, { provider: 'github', issuer: null, deletion: 'not_managed', detail: null });
  assert.equal(await broker.removeRegistration('github'), null);
  assert.equal(await broker.removeProvider('github'), false);

  const state = await broker.inspect();
  const parts = 'connections files home id keptAside key keyError keySource keychainError registrations';
  assert.deepEqual(Object.keys(state).sort(), parts.split(' '));
  assert.deepEqual([state.home, state.key, state.keySource, state.connections], [broker.home, 'found', 'file', 1]);
  assert.deepEqual(Object.keys(state.files[0]).sort(), ['mode', 'openToOthers', 'path']);
  assert.deepEqual(await broker.initialize(), state);
});

test('what is odd about a list of scopes, as it is documented', async () => {
  const check = await broker.checkScopes('microsoft', new Set(['mail-read', 'Files.Read']));
  const { scopes, resources, findings } = check;
  assert.deepEqual([scopes, resources], [[`${GRAPH}/Mail.Read`, 'Files.Read'], [GRAPH]]);
  const [{ kind, message, help, ...about }, ...more] = findings;
  assert.deepEqual([kind, about, more], ['offline_access_missing', { scopes: ['offline_access'] }, []]);
  assert.ok(message.startsWith('offline_access is missing') && help);
  assert.throws(() => scopes.push('x'), TypeError);
  assert.deepEqual((await broker.checkScopes('microsoft', 'mail-read offline_access')).findings, []);
  await assert.rejects(broker.checkScopes('nobody', 'read'), { code: 'unknown_provider' });
});

test('an explanation has the fields that are documented', async () => {
  const [first, second] = await broker.explain('AADSTS65001: no consent. Earlier: AADSTS50076');
  assert.deepEqual(Object.keys(first).sort(), ['code', 'command', 'meaning', 'name', 'remedy', 'who']);
  assert.deepEqual([first.code, first.name], ['AADSTS65001', 'DelegationDoesNotExist']);
  assert.deepEqual([second.code, second.who], ['AADSTS50076', 'user']);
  await assert.rejects(broker.explain('nothing of the kind'), { code: 'config_invalid' });
});

test("an administrator's consent, as it is documented", async () => {
  const asked = await broker.adminConsentUrl('microsoft', { tenant: 'contoso.example', scopes: ['User.Read'] });
  assert.deepEqual(Object.keys(asked).sort(), ['redirectUri', 'state', 'url']);
  assert.ok(asked.url.includes(asked.state) && asked.url.includes('contoso.example'), asked.url);
  const tenant = '61dc0a5c-2d3e-4f6a-8b7c-9d0e1f2a3b4c';
  const answer = `${asked.redirectUri}?admin_consent=True&tenant=${tenant}&state=${asked.state}&scope=User.Read`;
  const given = await broker.readAdminConsent(asked.state, new URL(answer));
  assert.deepEqual({ ...given }, { tenant, scopes: ['User.Read'] });
  await assert.rejects(broker.readAdminConsent('of another request', answer), { code: 'provider_rejected' });
});

test('a logout says what became of the grant', async () => {
  const plain = await Stage.acme();
  try {
    const broker = new Broker(plain.options);
    await plain.login(broker, { connection: 'work' });
    const outcome = await broker.logout('acme', { connection: 'work' });
    assert.deepEqual({ ...outcome }, { provider: 'acme', connection: 'work', revocation: 'revoked', detail: null });
  } finally {
    await plain.stop();
  }
});

test('a token at hand is that of its own question, and of now', async () => {
  const plain = await Stage.acme();
  try {
    const broker = new Broker(plain.options);
    for (const connection of ['one', 'two']) await plain.login(broker, { connection });
    const atHand = (connection) => broker.cachedToken('acme', { connection }).secret;
    const [one, two] = [atHand('one'), atHand('two')];
    assert.notEqual(one, two);
    for (let i = 0; i < 3; i++) assert.deepEqual([atHand('two'), atHand('one'), atHand('one')], [two, one, one]);
    const other = await new Broker(plain.options).token('acme', { connection: 'two', forceRefresh: true });
    for (let i = 0; i < 2; i++) assert.equal(atHand('two'), other.secret);
    await new Broker(plain.options).logout('acme', { connection: 'two' });
    for (let i = 0; i < 2; i++) assert.throws(() => atHand('two'), { code: 'not_connected' });
    assert.equal(atHand('one'), one);
  } finally {
    await plain.stop();
  }
});
