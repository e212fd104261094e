// Clients that nobody registers by hand, and whose client is whose.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Stage, anotherServer, fails, person } from './stage.mjs';

const DOCUMENT = 'https://app.example/oauth/client.json';
const SECRET = 's3cret:with%special+chars &=';

/** The client of the last authorization request. */
async function lastClient(stage) {
  return (await stage.lastEntry('authorize')).client_id;
}

/** The client that is kept for the server of this stage, as any program of its store finds it. */
function kept(stage) {
  return stage.broker().registration(stage.provider, { issuer: stage.server.issuer });
}

/** Removes it. */
function remove(stage) {
  return stage.broker().removeRegistration(stage.provider, { issuer: stage.server.issuer });
}

test('client_is_registered_by_program', async (t) => {
  const stage = await Stage.mcp(t);
  // Two logins at once make one client, which later ones take as well.
  await stage.fault({ endpoint: 'register', action: { type: 'delay', milliseconds: 1500 } });
  await Promise.all(['a', 'b'].map((connection) => stage.login({ connection })));
  await stage.login({ connection: 'c' });
  const { clientId } = await stage.login({ connection: 'a' });
  assert.deepEqual(await stage.registeredClients(), [clientId]);
  assert.equal((await stage.journal()).registrations, 1);
  assert.equal(await lastClient(stage), clientId);
  const { parameters, authorization } = await stage.lastEntry('register');
  for (const [name, value] of Object.entries({
    client_name: 'Tokenkeep',
    application_type: 'native',
    redirect_uris: 'http://127.0.0.1/callback',
    token_endpoint_auth_method: 'none',
  })) {
    assert.ok(parameters[name].includes(value), `${name}: ${inspect(parameters)}`);
  }
  assert.ok(!authorization && !parameters.grant_types.includes('client_credentials'), inspect(parameters));
  const registration = await kept(stage);
  assert.deepEqual([registration.dynamic, registration.clientId], [true, clientId]);
  assert.deepEqual([registration.issuer, registration.hasClientSecret], [stage.server.issuer, false]);
  assert.equal(await stage.resource(await stage.accessToken({ connection: 'b', forceRefresh: true })), 200);

  // What the server says counts: a client that is to prove itself does.
  for (const method of ['client_secret_basic', 'client_secret_post']) {
    const stage = await Stage.mcp(t);
    await stage.change({ registration: { auth_method: method, status: 200 } });
    await stage.login({ connection: 'a' });
    await stage.token({ connection: 'a', forceRefresh: true });
    const proofs = (await stage.entries('token')).map((entry) => entry.client_authentication);
    assert.deepEqual(proofs, [method, method]);
    assert.equal((await kept(stage)).hasClientSecret, true);
  }
});

test('registration_that_ended_is_made_anew', async (t) => {
  const stage = await Stage.mcp(t);
  // The server says that the secret has ended, and takes it all the same, so that the first login ends well.
  const registered = {
    client_id: 'confidential-basic',
    client_secret: SECRET,
    client_secret_expires_at: 1_600_000_000,
    token_endpoint_auth_method: 'client_secret_basic',
  };
  const headers = [['content-type', 'application/json']];
  const action = { type: 'reply', status: 201, body: JSON.stringify(registered), headers };
  await stage.fault({ endpoint: 'register', action });
  assert.equal((await stage.login({ connection: 'a' })).clientId, 'confidential-basic');
  const { clientId: first } = await stage.login({ connection: 'a' });
  assert.deepEqual(await stage.registeredClients(), [first]);
  assert.equal(await lastClient(stage), first);

  // Another redirect is another registration. One that a grant lives by stays at the server, and else it goes.
  const redirectUri = 'http://localhost/callback';
  const { clientId: second } = await stage.login({ connection: 'b', redirectUri });
  assert.equal((await stage.registeredClients()).length, 2);
  await stage.token({ connection: 'a', forceRefresh: true });
  await stage.logout({ connection: 'b' });
  const { clientId: third } = await stage.login({ connection: 'c' });
  assert.deepEqual((await stage.registeredClients()).sort(), [first, third].sort());
  assert.notEqual(third, second);

  // A client that the server forgot is known for it at the token endpoint, and the next login has another.
  await stage.atRedemption({ type: 'error', status: 401, error: 'invalid_client' });
  const error = await fails(stage.login({ connection: 'c' }), 'provider_rejected');
  assert.match(error.help, /log in again/);
  const { clientId: fourth } = await stage.login({ connection: 'c' });
  assert.notEqual(fourth, third);
  assert.ok((await stage.registeredClients()).includes(fourth));
});

test('registration_is_deleted_with_the_client', async (t) => {
  const stage = await Stage.mcp(t);
  const { issuer } = stage.server;
  const connection = 'a';
  await stage.login({ connection });
  const removed = await remove(stage);
  assert.deepEqual({ ...removed }, { provider: 'mcp', issuer, deletion: 'deleted', detail: null });
  assert.deepEqual(await stage.registeredClients(), []);
  assert.equal((await stage.connection({ connection })).status, 'connected', 'the connection keeps its own copy');
  assert.deepEqual([await kept(stage), await remove(stage)], [null, null]);

  // A program that ends both revokes first, as the client that it then removes.
  await stage.login({ connection });
  assert.equal((await stage.logout({ connection })).revocation, 'revoked');
  assert.equal((await remove(stage)).deletion, 'deleted');
  assert.deepEqual(await stage.registeredClients(), []);

  // The copy here goes in any case, and what became of the client is said.
  await stage.login({ connection });
  await stage.fault({ endpoint: 'register', action: { type: 'reply', status: 503, body: 'canary' } });
  const failed = await remove(stage);
  assert.equal(failed.deletion, 'failed');
  assert.match(failed.detail, /503/);
  assert.doesNotMatch(inspect(failed), /canary/);
  assert.equal(await kept(stage), null);

  await stage.change({ registration: { management: false } });
  await stage.login({ connection });
  assert.equal((await remove(stage)).deletion, 'not_managed');
  assert.equal((await stage.registeredClients()).length, 2);
});

test('client_is_known_by_its_document', async (t) => {
  const stage = await Stage.mcp(t);
  await stage.change({ client_documents: { enabled: true } });
  // What is printed is what is published.
  const document = JSON.parse(await stage.broker().clientMetadataDocument(DOCUMENT));
  await stage.server.control('POST', 'client-document', { url: DOCUMENT, document });
  const clientMetadataUrl = DOCUMENT;
  const connection = await stage.login({ connection: 'a', clientMetadataUrl });
  assert.deepEqual([connection.clientId, await lastClient(stage)], [DOCUMENT, DOCUMENT]);
  assert.equal((await stage.lastEntry('token')).client_authentication, 'none');
  await stage.token({ connection: 'a', forceRefresh: true });
  // It is remembered, and nothing is left at the server.
  assert.equal((await stage.login({ connection: 'a' })).clientId, DOCUMENT);
  assert.equal((await stage.journal()).registrations, 0);
  assert.equal(await kept(stage), null);

  // A client that was given by hand goes before it, and a server that takes no documents has a client made.
  assert.equal((await stage.login({ connection: 'b', clientMetadataUrl, clientId: 'public' })).clientId, 'public');
  await stage.change({ client_documents: { enabled: false } });
  stage.reopen();
  const made = await stage.login({ connection: 'c', clientMetadataUrl });
  assert.deepEqual([made.clientId], await stage.registeredClients());
});

test('client_metadata_document_is_printed', async (t) => {
  const stage = await Stage.mcp(t);
  const broker = stage.broker();
  const text = await broker.clientMetadataDocument(DOCUMENT);
  assert.equal(await broker.clientMetadataDocument(new URL(DOCUMENT)), text);
  const document = JSON.parse(text);
  assert.equal(document.client_id, DOCUMENT);
  const hosts = ['127.0.0.1', '[::1]', 'localhost'];
  assert.deepEqual(document.redirect_uris, hosts.map((host) => `http://${host}/callback`));
  assert.equal(document.token_endpoint_auth_method, 'none');
  const bad = ['http://app.example/client.json', 'https://app.example', 'https://app.example/a?b', 'client'];
  for (const clientMetadataUrl of bad) {
    await fails(broker.clientMetadataDocument(clientMetadataUrl), 'config_invalid');
    // Said before anybody is asked, whatever the server takes.
    await fails(stage.login({ clientMetadataUrl }), 'config_invalid');
  }
  assert.deepEqual(await stage.entries('register'), []);
  assert.deepEqual(await stage.entries('authorize'), []);
});

test('client_of_one_issuer_is_never_used_at_another', async (t) => {
  let stage = await Stage.oidc(t);
  const broker = stage.broker();
  const other = await anotherServer(t);
  const { issuer } = stage.server;
  const registration = { clientId: 'confidential-basic', clientSecret: SECRET };
  await fails(broker.setRegistration('oidc', registration), 'config_invalid');
  const stored = await broker.setRegistration('oidc', { issuer, ...registration });
  assert.deepEqual([stored.issuer, stored.dynamic, stored.hasClientSecret], [issuer, false, true]);
  stage.named = {};
  const { clientId } = await stage.login({ issuer });
  assert.equal(clientId, 'confidential-basic');
  // Neither the stored client, nor that of the connection's earlier login.
  await fails(stage.login({ issuer: other.issuer }), 'registration_missing');
  assert.equal((await stage.connection()).issuer, issuer);
  assert.equal(await broker.registration('oidc', { issuer: other.issuer }), null);

  // Variables count with an issuer that the user names.
  for (const name of ['TOKENKEEP_OIDC_CLIENT_ID', 'TOKENKEEP_MCP_CLIENT_ID']) {
    process.env[name] = 'public';
    t.after(() => delete process.env[name]);
  }
  stage.reopen();
  assert.equal((await stage.login()).clientId, 'confidential-basic');
  assert.equal((await stage.login({ issuer: other.issuer })).clientId, 'public');
  const heard = (await other.journal()).entries.map((entry) => entry.client_id);
  assert.ok(heard.includes('public') && !heard.includes('confidential-basic'), inspect(heard));

  // A resource that moves to another server is asked for a client there, from nothing.
  stage = await Stage.mcp(t);
  const { clientId: first } = await stage.login({ connection: 'a' });
  const elsewhere = await anotherServer(t);
  await elsewhere.change({ registration: { enabled: true }, resource_indicators: { known: [stage.resourceUrl] } });
  await stage.change({ protected_resource: { authorization_servers: [elsewhere.issuer] } });
  const { clientId: second } = await stage.login({ connection: 'a' });
  assert.deepEqual(await elsewhere.control('GET', 'clients'), [second]);
  const clients = (await elsewhere.journal()).entries.flatMap((entry) => entry.client_id ?? []);
  assert.ok(clients.length > 0 && !clients.includes(first), inspect(clients));
});

test('authorization_request_is_pushed', async (t) => {
  let stage = await Stage.mcp(t);
  await stage.change({ pushed_requests: { mode: 'required' } });
  const login = await stage.beginLogin({ scopes: 'openid read' });
  const carried = [...login.url.searchParams.keys()];
  assert.deepEqual(carried, ['client_id', 'request_uri'], 'the browser carries nothing else');
  const { parameters } = await stage.lastEntry('par');
  for (const name of ['state', 'nonce', 'code_challenge', 'redirect_uri', 'scope', 'resource', 'client_id']) {
    assert.ok(name in parameters, `${name}: ${inspect(parameters)}`);
  }
  assert.equal(parameters.resource, stage.resourceUrl);
  assert.equal(await person.visit(login.url), 0);
  assert.equal((await login.ended).status, 'connected');

  // The client proves itself as at the token endpoint; 200 will do; a server that only offers it is taken up on it.
  stage = await Stage.oidc(t);
  await stage.change({ pushed_requests: { mode: 'on', lifetime: 60, status: 200 } });
  for (const [clientId, method] of [
    ['confidential-basic', 'client_secret_basic'],
    ['confidential-post', 'client_secret_post'],
  ]) {
    await stage.change({ metadata: { set: { token_endpoint_auth_methods_supported: [method] } } });
    stage.reopen();
    await stage.login({ clientId, clientSecret: SECRET });
    const pushed = await stage.lastEntry('par');
    assert.deepEqual([pushed.client_authentication, pushed.client_id], [method, clientId]);
  }
  // A program that receives the redirect itself pushes as well.
  const redirectUri = 'http://127.0.0.1:1/callback';
  const pending = await stage.broker().beginLogin('oidc', { ...stage.named, redirectUri });
  assert.ok(new URL(pending.authorizationUrl).searchParams.has('request_uri'), pending.authorizationUrl);

  const before = await stage.entries('authorize');
  for (const [action, code] of [
    [{ type: 'error', status: 400, error: 'invalid_request' }, 'provider_rejected'],
    [{ type: 'error', status: 401, error: 'invalid_client' }, 'provider_rejected'],
    [{ type: 'reply', status: 201, body: '{"expires_in":60}' }, 'provider_rejected'],
    [{ type: 'reply', status: 503, body: 'canary' }, 'network'],
  ]) {
    await stage.fault({ endpoint: 'par', action });
    await fails(stage.login(), code);
  }
  await stage.change({
    pushed_requests: { mode: 'required' },
    metadata: { remove: ['pushed_authorization_request_endpoint'] },
  });
  stage.reopen();
  const error = await fails(stage.login(), 'unsupported');
  assert.ok(error.help.includes('pushed_authorization_request_endpoint'), error.help);
  assert.deepEqual(await stage.entries('authorize'), before, 'nobody was asked');
});
