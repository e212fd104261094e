// Connections for a protected resource, tokens that are carried in another way, and clients per issuer: what arrives of
// them in Node.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';

import { AllowedHosts, Broker } from 'tokenkeep';
import { Stage } from '../../tests/support/node/index.mjs';

let stage, broker, resource, host;
before(async () => {
  stage = await Stage.acme();
  broker = new Broker(stage.options);
  ({ host } = new URL(stage.server.origin));
  resource = `${stage.server.origin}/mcp`;
});
after(() => stage.stop());

const logIn = () => broker.login('mcp', { flow: 'pkce', clientId: 'public', resource, interaction: stage.person });

/** Keeps the provider's file with a section more. */
async function addProvider(more) {
  const definition = (await broker.provider('acme')).definition.split('[api]')[0].split('[values')[0];
  return broker.addProvider(stage.home.write('more.toml', definition + more));
}

test('a resource names its connection', async () => {
  const connection = await logIn();
  assert.deepEqual([connection.provider, connection.resource], ['mcp', resource]);
  assert.equal(connection.connection, `${host.replace(':', '-')}-mcp`);
  assert.deepEqual([connection.values, connection.apiHosts, connection.dpop], [{}, [], false]);
  assert.throws(() => (connection.values.mine = 'changed'), TypeError);
  assert.deepEqual(await broker.connection('mcp', { resource }), connection);

  const token = await broker.token('mcp', { resource });
  const named = await broker.token('mcp', { connection: connection.connection });
  assert.deepEqual([broker.cachedToken('mcp', { resource }).secret, named.secret], [token.secret, token.secret]);
  assert.deepEqual([token.headerName, token.authorizationHeader()], ['Authorization', `Bearer ${token.secret}`]);
  assert.equal(token.bearer(), token.secret);
  const refreshed = await broker.tokenAfterRefusal('mcp', { refused: token.secret, resource });
  assert.notEqual(refreshed.secret, token.secret);
  const other = { resource: `${resource}/other` };
  for (const asked of [other, { ...other, connection: connection.connection }]) {
    await assert.rejects(broker.token('mcp', asked), { code: 'not_connected' });
    assert.throws(() => broker.cachedToken('mcp', asked), { code: 'not_connected' });
  }
  assert.ok((await broker.allowedHosts('mcp', { resource })).allow(new URL(resource)));
  const redirectUri = 'http://127.0.0.1/callback';
  const pending = await broker.beginLogin('mcp', { resource, clientId: 'public', redirectUri });
  assert.ok(pending.authorizationUrl.includes('resource='), pending.authorizationUrl);
  const proof = broker.dpopProof('mcp', { resource, method: 'GET', url: new URL(resource) });
  await assert.rejects(proof, { code: 'unsupported' });
  assert.equal((await broker.logout('mcp', { resource })).revocation, 'revoked');
});

test('where a token may go is known of an API', async () => {
  await stage.login(broker);
  await assert.rejects(broker.allowedHosts('acme'), { code: 'config_invalid' });
  assert.deepEqual((await addProvider('[api]\nhosts = ["api.acme.example"]\n')).apiHosts, ['api.acme.example']);
  assert.deepEqual((await stage.login(broker)).apiHosts, ['api.acme.example']);
  const hosts = await broker.allowedHosts('acme');
  assert.ok(hosts instanceof AllowedHosts && hosts.allow(new URL('https://api.acme.example/items')));
});

test('a token goes into the header that its API wants', async () => {
  await addProvider('[api]\nheader = "X-Acme-Token"\nscheme = ""\n');
  await stage.login(broker);
  for (const token of [broker.cachedToken('acme'), await broker.token('acme', { forceRefresh: true })]) {
    assert.deepEqual([token.headerName, token.authorizationHeader()], ['X-Acme-Token', token.secret]);
    assert.equal(JSON.parse(JSON.stringify(token)).headerName, 'X-Acme-Token');
    const isSilent = (error) => error.code === 'unsupported' && !inspect(error).includes(token.secret);
    assert.throws(() => token.bearer(), isSilent);
    assert.throws(() => token.sasl('xoauth2', 'me'), isSilent);
  }
});

test('clients are stored for one issuer', async () => {
  const issuer = 'https://issuer.example';
  const kept = await broker.setRegistration('mcp', { clientId: 'mine', issuer });
  assert.deepEqual([kept.issuer, kept.dynamic], [issuer, false]);
  assert.deepEqual(await broker.registration('mcp', { issuer }), kept);
  assert.equal(await broker.registration('mcp', { issuer: 'https://other.example' }), null);
  assert.ok(await broker.removeRegistration('mcp', { issuer }));
  assert.ok(!(await broker.removeRegistration('mcp', { issuer })));
});

test('a document makes its address a client', async () => {
  const address = new URL('https://app.example/client.json');
  assert.equal(JSON.parse(await broker.clientMetadataDocument(address)).client_id, address.href);
  await assert.rejects(broker.clientMetadataDocument('http://app.example'), { code: 'config_invalid' });
});

test('what a provider says of itself', async () => {
  const { confidence, documentation } = await broker.provider('microsoft');
  assert.ok(['high', 'medium', 'low'].includes(confidence) && documentation.startsWith('https://'));
  const more = '[values.sub_domain]\ndescription = "Your subdomain"\ndefault = "www"\n';
  const [value] = (await addProvider(more)).values;
  assert.deepEqual({ ...value }, { name: 'sub_domain', description: 'Your subdomain', default: 'www', learnt: false });
});
