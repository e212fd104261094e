// App-only access: a client that asks in its own name, by a secret, a certificate or a private key, and nobody who logs
// in.

import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { root } from '../../support/node/index.mjs';
import { CLIENT_ID, Stage, fails } from './stage.mjs';

const SECRET = 'canary-s3cret';
const GRAPH = 'https://graph.microsoft.com/.default';
const VAULT = 'https://vault.azure.net/.default';

/** Files of the tests' clients. */
const vector = (name) => join(root, 'tests/vectors/client_certificate', name);
const pem = (...names) => names.map((name) => readFileSync(vector(name), 'utf8')).join('');

/** Microsoft, where the client has a secret and a certificate, and no assertion counts twice. */
function microsoft(t) {
  const certificate = ['--client-certificate', `${CLIENT_ID}:${vector('rsa.crt')}`, '--assertion-replay', 'refused'];
  return Stage.microsoft(t, '--client', `${CLIENT_ID}:${SECRET}`, ...certificate);
}

/** Logs in as the application of one organization. */
async function login(stage, options) {
  const connection = await stage.login({ flow: 'client_credentials', tenant: 'contoso.com', ...options });
  assert.doesNotMatch(inspect(connection, { depth: null, showHidden: true }), /canary|PRIVATE KEY/);
  return connection;
}

/** The requests of the application. */
function asked(stage) {
  return stage.asked('client_credentials');
}

test('login_as_an_application_with_a_secret', async (t) => {
  const stage = await microsoft(t);
  for (const tenant of ['common', 'organizations', 'consumers']) {
    const error = await fails(login(stage, { tenant, clientSecret: SECRET }), 'config_invalid');
    assert.ok(error.message.includes(tenant) && error.help.includes('--tenant'), inspect(error));
  }
  const missing = await fails(login(stage), 'registration_missing');
  for (const way of ['--client-secret-stdin', '--certificate-stdin', '--credential-file', '--credential-keychain']) {
    assert.ok(missing.message.includes(way), missing.message);
  }
  assert.match(missing.help, /Certificates & secrets/);
  const noFile = await fails(login(stage, { credentialFile: 'no-such-file' }), 'config_invalid');
  assert.match(noFile.message, /no-such-file/);
  assert.deepEqual(await stage.entries(), []);

  // A wrong secret is said at the login, and keeps nothing.
  await fails(login(stage, { clientSecret: 'canary-wrong' }), 'provider_rejected');
  assert.deepEqual(stage.records(), []);

  const connection = await login(stage, { clientSecret: SECRET });
  assert.deepEqual([connection.application, connection.hasRefreshToken], [true, false]);
  assert.deepEqual([connection.grantedScopes, connection.account.username], [[GRAPH], null]);
  const request = (await asked(stage)).at(-1);
  assert.equal(request.path, '/contoso.com/oauth2/v2.0/token');
  assert.equal(request.client_authentication, 'client_secret_post');
  assert.deepEqual(Object.keys(request.parameters).sort(), ['client_id', 'client_secret', 'grant_type', 'scope']);
  assert.equal(request.parameters.scope, GRAPH);

  // One token for each resource, kept fresh as a person's are; any permission of a resource means all of them.
  const before = (await asked(stage)).length;
  const token = await stage.token();
  assert.equal(await stage.resource(token.secret), 200);
  assert.equal(token.resource, new URL(GRAPH).origin);
  assert.equal(await stage.accessToken({ scopes: 'Mail.Read' }), token.secret);
  assert.equal((await asked(stage)).length, before);
  const vault = await stage.accessToken({ scopes: ['https://vault.azure.net/user_impersonation'] });
  assert.equal(await stage.accessToken({ scopes: VAULT }), vault);
  assert.notEqual(vault, token.secret);
  assert.deepEqual((await asked(stage)).slice(before).map(({ parameters }) => parameters.scope), [VAULT]);
  const newer = await stage.accessToken({ forceRefresh: true });
  assert.notEqual(newer, token.secret);
  assert.equal((await asked(stage)).at(-1).parameters.scope, GRAPH);

  // What the server refuses ends nothing.
  await stage.change({ secrets_expired: true });
  await fails(stage.token({ forceRefresh: true }), 'provider_rejected');
  assert.equal(await stage.accessToken(), newer);
  assert.equal((await stage.connection()).status, 'connected');
  await stage.change({ secrets_expired: false });
  assert.equal(await stage.resource(await stage.accessToken({ forceRefresh: true })), 200);

  // The next login needs the flow alone.
  const again = await stage.login({ flow: 'client_credentials', clientId: undefined });
  assert.deepEqual([again.application, again.tenant], [true, 'contoso.com']);
  const { revocation, detail } = await stage.logout();
  assert.equal(revocation, 'not_supported');
  assert.match(detail, /nothing to revoke/);

  const acme = await Stage.acme(t);
  await fails(acme.login({ flow: 'client_credentials', clientSecret: SECRET }), 'unsupported');
});

test('login_as_an_application_with_a_certificate', async (t) => {
  const stage = await microsoft(t);
  for (const [names, why] of [
    [['rsa.crt'], 'no private key'],
    [['rsa.key'], 'the certificate beside'],
    [['late.crt', 'rsa.key'], 'not that of its certificate'],
    [['ec.crt', 'ec.key'], 'not for RSA'],
    [['rsa.crt', 'encrypted.key'], 'encrypted'],
  ]) {
    const credentialFile = stage.home.write('credential.pem', pem(...names));
    for (const credential of [{ credentialFile }, { certificate: pem(...names) }]) {
      const error = await fails(login(stage, credential), 'config_invalid');
      assert.ok(error.message.includes(why), error.message);
      assert.doesNotMatch(inspect(error), /PRIVATE KEY/);
    }
  }
  const credentialFile = stage.home.write('credential.pem', pem('rsa.crt', 'rsa.key'));
  // A certificate says itself when it ends, and is the application's own.
  await fails(login(stage, { credentialFile, credentialExpires: '2027-01-31' }), 'config_invalid');
  await fails(stage.login({ credentialFile }), 'config_invalid');
  assert.deepEqual(await stage.entries(), []);

  const { credentialExpiresAt } = await login(stage, { credentialFile });
  assert.deepEqual(credentialExpiresAt, new Date('2048-10-16T18:58:42Z'));
  // The record has it: the file may go.
  rmSync(credentialFile);
  const first = await stage.accessToken();
  assert.notEqual(await stage.accessToken({ forceRefresh: true }), first);
  await stage.login({ flow: 'client_credentials', clientId: undefined });
  const requests = await asked(stage);
  assert.equal(requests.length, 3);
  for (const { client_authentication: by, outcome, parameters } of requests) {
    assert.deepEqual([by, outcome.status], ['private_key_jwt', 200]);
    assert.ok(!('client_secret' in parameters));
  }
  const named = await login(stage, { connection: 'named', certificate: pem('rsa.key', 'rsa.crt') });
  assert.deepEqual(named.credentialExpiresAt, credentialExpiresAt);
});

test('login_as_an_application_with_a_private_key', async (t) => {
  for (const [name, publicKey, other] of [
    ['ec.key', 'ec.pub', 'rsa.key'],
    ['ec_sec1.key', 'ec.pub', 'rsa.key'],
    ['rsa_pkcs1.key', 'rsa.pub', 'ec.key'],
  ]) {
    const stage = await Stage.acme(t, '--client-key', `nightly:${vector(publicKey)}`);
    const definition = `${stage.definition}[client_credentials]\nscopes = ["read"]\n`;
    await stage.broker().addProvider(stage.home.write('application.toml', definition));
    const logIn = (credential) => login(stage, { tenant: undefined, clientId: 'nightly', ...credential });
    const refused = await fails(logIn({ certificate: pem('p384.key') }), 'config_invalid');
    assert.match(refused.message, /neither RSA nor on P-256/);
    assert.deepEqual(await stage.entries(), []);
    // Somebody else's key is not this client's.
    await fails(logIn({ certificate: pem(other) }), 'provider_rejected');

    const before = (await asked(stage)).length;
    const credentialFile = stage.home.write('credential.pem', pem(name));
    const { application, credentialExpiresAt } = await logIn({ credentialFile });
    assert.deepEqual([application, credentialExpiresAt], [true, null], 'a key alone does not end');
    // The record has it: the file may go. Each request has an assertion of its own, made for the issuer; the server
    // refuses one that it has seen, and any for its token endpoint.
    rmSync(credentialFile);
    const first = await stage.accessToken();
    assert.equal(await stage.resource(first), 200);
    assert.notEqual(await stage.accessToken({ forceRefresh: true }), first);
    await stage.login({ flow: 'client_credentials' });
    const requests = (await asked(stage)).slice(before);
    assert.equal(requests.length, 3, name);
    for (const { client_authentication: by, outcome } of requests) {
      assert.deepEqual([by, outcome.status], ['private_key_jwt', 200]);
    }
    // A program that has the key at hand needs no file.
    await logIn({ connection: 'named', certificate: pem(name) });
  }
});

test('expiring_client_secret_is_warned_about', async (t) => {
  const stage = await microsoft(t);
  const dated = (credentialExpires, clientSecret = SECRET) => login(stage, { clientSecret, credentialExpires });
  assert.equal((await dated()).credentialExpiresAt, null);
  await fails(dated('31.1.2027'), 'config_invalid');
  // The warning of a program: the day stands in what is told of the connection, wherever that is.
  const day = new Date('2999-12-31');
  assert.deepEqual((await dated('2999-12-31')).credentialExpiresAt, day);
  await stage.token({ forceRefresh: true });
  assert.deepEqual((await stage.connection()).credentialExpiresAt, day);
  const { connections } = await stage.broker().connections();
  assert.deepEqual(connections.map((one) => one.credentialExpiresAt), [day]);

  // After that day a refusal says what it means, and what to do.
  const taken = JSON.stringify({ access_token: 'access-first', token_type: 'Bearer', expires_in: 3600 });
  const headers = [['content-type', 'application/json']];
  const action = { type: 'reply', status: 200, headers, body: taken };
  await stage.fault({ endpoint: 'token', grant_type: 'client_credentials', action });
  assert.deepEqual((await dated('2020-01-31', 'canary-old')).credentialExpiresAt, new Date('2020-01-31'));
  const error = await fails(stage.token({ forceRefresh: true }), 'provider_rejected');
  assert.match(error.help, /ended on 2020-01-31/);
  const set = `tokenkeep client set microsoft --client-id ${CLIENT_ID} --client-secret-stdin`;
  assert.ok(error.help.includes(set), error.help);

  // A secret that is stored since is the one that counts, and there is nothing left to warn about.
  const broker = stage.broker();
  await broker.setRegistration('microsoft', { clientId: CLIENT_ID, clientSecret: SECRET });
  assert.equal(await stage.resource(await stage.accessToken({ forceRefresh: true })), 200);
  assert.equal((await stage.connection()).credentialExpiresAt, null);
  await broker.removeRegistration('microsoft');
  assert.equal(await stage.resource(await stage.accessToken({ forceRefresh: true })), 200);
});
