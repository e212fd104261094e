// Protected resources: a login that is told nothing but the address of one, and tokens that are for it alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Stage, anotherServer, fails, person } from './stage.mjs';

/** Changes the resource that the server has beside itself. */
function change(stage, options) {
  return stage.change({ protected_resource: options });
}

/** A request to the resource with this token. */
function ask(stage, token) {
  return person.get(stage.resourceUrl, { authorization: `Bearer ${token}` });
}

/** The scopes of the last authorization request. */
async function scopesAsked(stage) {
  return (await stage.lastEntry('authorize')).parameters.scope;
}

/** The name that an address on this machine gives its connection. */
function nameOf(address) {
  return new URL(address).host.replace(':', '-') + new URL(address).pathname.replaceAll('/', '-');
}

test('login_to_a_resource_finds_its_server', async (t) => {
  for (const place of ['path', 'root', 'elsewhere', 'nowhere']) {
    const stage = await Stage.mcpByHand(t);
    const resource = stage.resourceUrl;
    await change(stage, { place });
    // No connection is named, nor a server: the resource stands for both.
    const connection = await stage.login();
    assert.equal(connection.connection, nameOf(resource), place);
    assert.deepEqual([connection.resource, connection.issuer], [resource, stage.server.issuer]);
    assert.deepEqual(await stage.connection({ resource }), connection);
    const token = await stage.token({ resource });
    assert.equal(token.connection, connection.connection);
    assert.equal((await ask(stage, token.secret)).status, 200, place);
    // Asked once, without a token, and told where to look.
    const [first, ...more] = await stage.entries('resource');
    assert.ok(!first.authorization && more.every(({ authorization }) => authorization), inspect([first, ...more]));
    // What the login found is in the record: nothing is looked up for a token.
    assert.equal((await ask(stage, await stage.accessToken({ resource, forceRefresh: true }))).status, 200);
    assert.equal((await stage.entries('metadata')).length, 1, place);
  }

  // What the origin calls itself as an issuer nobody has written down: a slash more is no mismatch there.
  let stage = await Stage.mcpByHand(t);
  await change(stage, { place: 'nowhere' });
  await stage.change({ metadata: { set: { issuer: `${stage.server.origin}/` } } });
  await stage.beginLogin();
  await change(stage, { place: 'path' });
  await fails(stage.login(), 'provider_rejected');

  // A token is for the resource that it was asked for, and for no other.
  stage = await Stage.mcpByHand(t);
  const { connection } = await stage.login();
  const { origin } = stage.server;
  const resource = `${origin}/mcp/other`;
  for (const forceRefresh of [false, true]) {
    const error = await fails(stage.token({ resource, connection, forceRefresh }), 'not_connected');
    const command = `\`tokenkeep login --connection ${connection} --resource ${resource}\``;
    assert.ok(error.help.includes(command), error.help);
  }
  const error = await fails(stage.token({ resource }), 'not_connected');
  assert.ok(error.help.includes(`\`tokenkeep login --resource ${resource}\``), error.help);
  await fails(() => stage.broker().cachedToken('mcp', { resource, connection }), 'not_connected');
  // A name that two resources come to is not taken from the first without a word.
  const [alike, again] = [`${origin}/mcp?a`, `${origin}/mcp-a`];
  await change(stage, { place: 'root', resource: origin });
  await stage.login({ resource: alike });
  const taken = await fails(stage.login({ resource: again }), 'config_invalid');
  assert.ok(taken.help.includes('--connection NAME'), taken.help);
  // The host's own document may speak for it, and the person's spelling still finds the connection.
  assert.notEqual(await stage.accessToken({ resource: alike }), '');
  await fails(stage.token({ resource: again }), 'not_connected');
  const unnamed = await fails(stage.login({ resource: undefined }), 'config_invalid');
  assert.ok(unnamed.help.includes('--resource'), unnamed.help);
});

test('resource_metadata_of_another_is_refused', async (t) => {
  const stranger = await anotherServer(t);
  const stage = await Stage.mcpByHand(t);
  const { origin } = stage.server;
  // Another host, another path, its own host where the path was asked, and what only looks the same.
  for (const resource of [
    `${stranger.origin}/mcp`,
    `${origin}/mcp/`,
    `${origin}/mcp/other`,
    origin,
    origin.replace('http:', 'https:'),
  ]) {
    await change(stage, { resource });
    const error = await fails(stage.login(), 'provider_rejected');
    assert.ok(error.message.includes('that of another resource'), `${resource}: ${error.message}`);
  }
  // A document of another host is not even asked for, whatever it says.
  await change(stage, {
    resource: null,
    named_url: `${stranger.origin}/.well-known/oauth-protected-resource/mcp`,
  });
  const error = await fails(stage.login(), 'provider_rejected');
  assert.ok(error.message.includes(stranger.origin), error.message);
  // Nor when a program hands on the challenge.
  const { headers } = await person.get(stage.resourceUrl);
  await fails(stage.login({ wwwAuthenticate: headers['www-authenticate'] }), 'provider_rejected');
  assert.deepEqual((await stranger.journal()).entries, []);
  assert.deepEqual([await stage.entries('authorize'), stage.records()], [[], []]);

  // A server in trouble does not say that there is no document: nobody else is asked in its place.
  await change(stage, { named_url: null });
  for (const status of [500, 503, 429]) {
    const action = { type: 'reply', status, body: '' };
    await stage.fault({ endpoint: 'resource_metadata', times: 2, action });
    await fails(stage.login(), 'network');
  }
  assert.deepEqual([await stage.entries('metadata'), stage.records()], [[], []]);
  assert.equal((await stage.login()).status, 'connected');
});

test('resource_is_named_in_every_request', async (t) => {
  const isNamed = (entries, resource) => {
    assert.notEqual(entries.length, 0);
    for (const entry of entries) assert.equal(entry.parameters.resource, resource, inspect(entry));
  };
  let stage = await Stage.mcpByHand(t);
  let resource = stage.resourceUrl;
  await stage.change({ resource_indicators: { mode: 'required' } });
  await stage.login({ scopes: 'read' });
  await stage.token({ resource, forceRefresh: true });
  isNamed(await stage.entries('authorize'), resource);
  isNamed(await stage.entries('token'), resource);
  assert.equal((await stage.refreshes()).length, 1);

  // A device code, and an application, which needs no scope.
  stage = await Stage.mcpByHand(t);
  resource = stage.resourceUrl;
  await stage.change({ device_interval: 1, device_approve_after: 0 });
  await stage.login({ flow: 'device_code', interaction: { showDeviceAuthorization() {} } });
  isNamed(await stage.entries('device'), resource);
  const application = { clientId: 'confidential-basic', clientSecret: 's3cret:with%special+chars &=' };
  const connection = 'app';
  await stage.login({ flow: 'client_credentials', connection, ...application });
  const token = await stage.accessToken({ resource, connection, forceRefresh: true });
  assert.equal((await ask(stage, token)).status, 200);
  const asked = await stage.asked('client_credentials');
  assert.equal(asked.length, 2);
  assert.ok(asked.every(({ parameters }) => !('scope' in parameters)), inspect(asked));
  isNamed(await stage.entries('token'), resource);

  // Any provider takes one, if its server does; what the server does not know is said with its name.
  stage = await Stage.oidc(t);
  resource = `${stage.server.origin}/mcp`;
  assert.equal((await stage.login({ resource })).resource, resource);
  isNamed(await stage.entries('authorize'), resource);
  const unknown = 'https://unknown.example/mcp';
  const refused = await fails(stage.login({ resource: unknown }), 'provider_rejected');
  assert.ok(refused.help.includes(unknown), refused.help);
  const microsoft = await Stage.microsoft(t);
  const error = await fails(microsoft.login({ resource: unknown }), 'config_invalid');
  assert.ok(error.help.includes('--scopes'), error.help);
  assert.deepEqual(await microsoft.entries(), []);
});

test('scopes_of_a_challenge_are_asked_for', async (t) => {
  const stage = await Stage.mcpByHand(t);
  const resource = stage.resourceUrl;
  // Nobody says anything: what the server lists itself is asked for, and nothing else.
  await stage.login({ connection: 'none' });
  assert.equal(await scopesAsked(stage), 'offline_access');
  await stage.change({ metadata: { remove: ['scopes_supported'] } });
  stage.reopen();
  await stage.login({ connection: 'bare' });
  assert.equal(await scopesAsked(stage), undefined);
  await change(stage, { scopes_supported: ['read', 'offline_access'] });
  await stage.login({ connection: 'listed' });
  assert.equal(await scopesAsked(stage), 'read');
  await change(stage, { challenge_scope: 'read write' });
  await stage.login({ connection: 'challenged' });
  assert.equal(await scopesAsked(stage), 'read write');
  await stage.login({ connection: 'named', scopes: ['write'] });
  assert.equal(await scopesAsked(stage), 'write');

  // A connection that is made another resource's is asked for what that wants.
  await stage.login({ connection: 'named', resource: `${resource}/other` });
  assert.equal(await scopesAsked(stage), 'read write');
  await stage.login({ connection: 'named', scopes: ['write'] });

  // A request that needs more is answered with the login that gets it.
  await change(stage, { required_scopes: ['admin'] });
  const connection = 'challenged';
  const token = await stage.accessToken({ resource, connection });
  const { status, headers } = await ask(stage, token);
  assert.equal(status, 403);
  const wwwAuthenticate = headers['www-authenticate'];
  const after = () => stage.broker().tokenAfterRefusal('mcp', { connection, refused: token, wwwAuthenticate });
  const error = await fails(after(), 'scope_not_granted');
  const command = `tokenkeep login --connection challenged --resource ${resource} --add-scopes "admin"`;
  assert.ok(error.help.includes(command), error.help);
  await stage.login({ connection, addScopes: 'admin' });
  assert.equal(await scopesAsked(stage), 'read write admin');
  // A grant that has it all is refused for another reason: no login is asked for in vain.
  assert.equal(await after(), null);
  assert.equal((await ask(stage, await stage.accessToken({ connection }))).status, 200);

  // A program hands on what it was answered with: the resource is not asked again.
  const before = await stage.entries('resource');
  const options = { ...stage.named, connection: 'named', redirectUri: 'http://127.0.0.1:9/callback' };
  for (const challenges of [wwwAuthenticate, new Set([wwwAuthenticate])]) {
    const pending = await stage.broker().beginLogin('mcp', { ...options, wwwAuthenticate: challenges });
    assert.equal(new URL(pending.authorizationUrl).searchParams.get('scope'), 'write admin');
  }
  assert.deepEqual(await stage.entries('resource'), before);
});

test('authorization_server_may_change', async (t) => {
  const second = await anotherServer(t);
  const stage = await Stage.mcpByHand(t);
  const resource = stage.resourceUrl;
  const [one, two] = [stage.server.issuer, second.issuer];
  const heard = async () => (await second.journal()).entries;
  await second.change({ resource_indicators: { known: [resource] } });
  assert.equal((await stage.login({ scopes: 'read offline_access' })).issuer, one);

  // As long as the first is listed it stays, wherever it stands; another is a person's choice.
  await change(stage, { authorization_servers: [two, one] });
  assert.equal((await stage.login()).issuer, one);
  const error = await fails(stage.login({ issuer: 'https://other.example' }), 'config_invalid');
  assert.ok(error.help.includes(two), error.help);
  assert.deepEqual(await heard(), []);

  // It moves. The grant goes back to where it came from, until a login; that takes nothing along.
  await change(stage, { authorization_servers: [two] });
  await stage.token({ resource, forceRefresh: true });
  assert.deepEqual(await heard(), []);
  await fails(stage.login({ clientId: undefined }), 'registration_missing');
  assert.equal((await stage.login()).issuer, two);
  const before = await stage.entries();
  await stage.token({ resource, forceRefresh: true });
  assert.deepEqual(await stage.entries(), before, 'the first is asked for nothing more');
  const { parameters } = (await heard()).find(({ endpoint }) => endpoint === 'authorize');
  assert.equal(parameters.scope, 'offline_access');
  assert.ok(!('login_hint' in parameters), inspect(parameters));

  // A server that does not promise S256 gets no person's login of a resource's.
  await second.change({ metadata: { remove: ['code_challenge_methods_supported'] } });
  stage.reopen();
  const unsafe = await fails(stage.login(), 'unsupported');
  assert.ok(unsafe.message.includes('S256'), unsafe.message);
});
