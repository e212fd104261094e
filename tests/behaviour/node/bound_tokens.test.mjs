// Tokens that are bound to a key (RFC 9449): the key of one login, its proofs, the nonces that servers want in them,
// and what comes when a server takes the binding away.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Stage, fails, person } from './stage.mjs';

/** Acme, whose server binds tokens to the key of a proof. */
async function acme(t, nonce = 'off') {
  const stage = await Stage.acme(t);
  await stage.change({ dpop: { mode: 'on', nonce } });
  return stage;
}

/** The resource's answer to a token with this proof. */
function resource(stage, authorization, dpop) {
  return person.get(stage.resourceUrl, { authorization, dpop });
}

/** The keys of the requests, each of which has a proof. */
function thumbprints(entries) {
  return new Set(entries.map(({ proof }) => proof.thumbprint));
}

/** What the requests' proofs said of a nonce. */
function withNonce(entries) {
  return entries.map(({ proof }) => proof.nonce);
}

test('tokens_are_bound_to_a_key', async (t) => {
  let stage = await acme(t);
  const broker = stage.broker();
  const proof = (url, options) => broker.dpopProof('acme', { method: 'GET', url, ...options });
  const plain = await stage.login({ connection: 'plain' });
  assert.equal(plain.dpop, false);
  assert.equal((await stage.lastEntry('token')).proof, null, 'nobody asked for it');
  const unbound = await fails(proof('https://a.example', { connection: 'plain' }), 'unsupported');
  assert.ok(unbound.help.includes('--dpop'), unbound.help);

  // One key from the authorization request to the refresh, and a proof of its own for each.
  assert.equal((await stage.login({ dpop: true })).dpop, true);
  const first = await stage.accessToken();
  const token = await stage.token({ forceRefresh: true });
  assert.notEqual(token.secret, first);
  const redeemed = (await stage.asked('authorization_code')).slice(1);
  const keys = thumbprints([...redeemed, ...(await stage.refreshes())]);
  assert.equal(keys.size, 1);
  const entries = await stage.entries();
  const authorized = entries.flatMap(({ parameters }) => parameters.dpop_jkt ?? []);
  assert.deepEqual(authorized, [...keys], 'the code was bound to it, too');
  const ids = entries.flatMap((entry) => entry.proof?.id ?? []);
  assert.ok(ids.length > 1 && new Set(ids).size === ids.length, String(ids));

  // The token is of use with a proof for its request, and in no other way.
  const { secret } = token;
  const line = token.authorizationHeader();
  assert.deepEqual([token.tokenType, token.headerName, line], ['DPoP', 'Authorization', `DPoP ${secret}`]);
  const url = stage.resourceUrl;
  assert.equal((await resource(stage, line, await proof(`${url}?page=2#top`))).status, 200);
  const spent = await proof(new URL(url));
  assert.equal((await resource(stage, line, spent)).status, 200);
  assert.equal((await resource(stage, line, await proof(url, { accessToken: secret }))).status, 200);
  for (const [authorization, dpop] of [
    [line, spent],
    [line, await proof(`${url}/other`)],
    [line, await proof(url, { method: 'POST' })],
    [line, await proof(url, { accessToken: first })],
    [`Bearer ${secret}`, await proof(url)],
  ]) {
    assert.equal((await resource(stage, authorization, dpop)).status, 401);
  }
  assert.equal(await stage.resource(secret), 401, 'a stolen token');
  await fails(() => token.bearer(), 'unsupported');
  await fails(() => token.sasl('xoauth2', 'me@example.com'), 'unsupported');

  // Each login has a key of its own, and a login again asks for one again.
  assert.equal((await stage.login()).dpop, true);
  const [again] = thumbprints((await stage.asked('authorization_code')).slice(2));
  assert.ok(!keys.has(again));
  // It goes by any flow, and a logout needs no proof.
  await stage.change({ device_interval: 1, device_approve_after: 0 });
  await stage.login({ flow: 'device_code', dpop: true, interaction: { showDeviceAuthorization() {} } });
  assert.equal(thumbprints(await stage.asked('urn:ietf:params:oauth:grant-type:device_code')).size, 1);
  assert.equal((await stage.logout()).revocation, 'revoked');

  // A server that says that it takes other proofs alone is believed before anybody is asked.
  stage = await Stage.oidc(t);
  await stage.change({ metadata: { set: { dpop_signing_alg_values_supported: ['RS256'] } } });
  await fails(stage.login({ dpop: true }), 'unsupported');
  assert.deepEqual(await stage.entries('authorize'), []);
  // A resource that takes bound tokens alone need not be told of.
  stage = await Stage.mcp(t);
  await stage.change({ protected_resource: { dpop_bound: true } });
  assert.equal((await stage.login()).dpop, true);
});

test('dpop_nonce_is_answered_once', async (t) => {
  const stage = await acme(t, 'once');
  await stage.login({ dpop: true });
  const redeemed = await stage.asked('authorization_code');
  assert.deepEqual(withNonce(redeemed), [false, true]);
  const [code, again] = redeemed.map(({ parameters }) => parameters.code);
  assert.equal(code, again, 'it was not used by the first');
  assert.equal(redeemed[0].outcome.error, 'use_dpop_nonce');
  // A program that has just come knows no nonce, and one that lives on has the last one.
  const broker = stage.broker();
  const refresh = () => broker.token('acme', { forceRefresh: true });
  await refresh();
  await refresh();
  const token = await refresh();
  assert.deepEqual(withNonce(await stage.refreshes()), [false, true, true, true]);
  assert.equal((await stage.journal()).reuse_count, 0);

  // The resource wants one too: the same token goes with another proof.
  const url = stage.resourceUrl;
  await stage.server.control('POST', 'forget-nonces');
  const proof = (nonce) => broker.dpopProof('acme', { method: 'GET', url, nonce });
  const line = token.authorizationHeader();
  const { status, headers } = await resource(stage, line, await proof());
  assert.equal(status, 401);
  const refusal = { refused: token.secret, wwwAuthenticate: headers['www-authenticate'] };
  assert.equal((await broker.tokenAfterRefusal('acme', refusal)).secret, token.secret);
  assert.equal((await stage.refreshes()).length, 4, 'nothing was refreshed for it');
  assert.equal((await resource(stage, line, await proof(headers['dpop-nonce']))).status, 200);

  // A server whose nonce is never right is asked twice, and ends nothing.
  const body = JSON.stringify({ error: 'use_dpop_nonce' });
  const never = [['content-type', 'application/json'], ['dpop-nonce', 'never']];
  await stage.atRefresh({ type: 'reply', status: 400, headers: never, body }, 2);
  const refreshes = (await stage.refreshes()).length;
  await fails(stage.token({ forceRefresh: true }), 'provider_rejected');
  assert.equal((await stage.refreshes()).length, refreshes + 2);
  assert.equal((await stage.connection()).status, 'connected');
  await stage.token({ forceRefresh: true });
  // Any other answer to a code is the last one.
  await stage.atRedemption({ type: 'error', error: 'invalid_grant' });
  await fails(stage.login({ dpop: true }), 'login_required');
  assert.equal((await stage.asked('authorization_code')).length, redeemed.length + 1);
});

test('bearer_in_the_place_of_a_bound_token_is_refused', async (t) => {
  const stage = await acme(t);
  await stage.change({ dpop: { mode: 'ignored' } });
  const refused = await fails(stage.login({ dpop: true }), 'provider_rejected');
  assert.match(refused.help, /DPoP/);
  assert.deepEqual(stage.records(), [], 'nothing was kept');
  assert.equal((await stage.asked('authorization_code')).length, 1);

  await stage.change({ dpop: { mode: 'on' } });
  await stage.login({ dpop: true });
  const bound = await stage.accessToken();
  // The server has rotated all the same: what it gave is what it takes.
  await stage.atRefresh({ type: 'mutate', set: { token_type: 'Bearer' } });
  await fails(stage.token({ forceRefresh: true }), 'provider_rejected');
  assert.equal(await stage.accessToken(), bound, 'what is bound goes on');
  assert.notEqual(await stage.accessToken({ forceRefresh: true }), bound);
  const { reuse_count: reused } = await stage.journal();
  assert.deepEqual([(await stage.refreshes()).length, reused], [2, 0]);

  // Nor is a token that wants a proof taken by who has no key.
  const plain = await acme(t);
  const body = JSON.stringify({ access_token: 'a', token_type: 'DPoP', expires_in: 60 });
  const headers = [['content-type', 'application/json']];
  await plain.atRedemption({ type: 'reply', status: 200, headers, body });
  await fails(plain.login(), 'provider_rejected');
  assert.deepEqual(plain.records(), []);
});
