// The Azure SDK's pipelines send requests with a connection's tokens.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { isTokenCredential } from '@azure/core-auth';
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createEmptyPipeline,
  createHttpHeaders,
  createPipelineRequest,
  tlsPolicy,
} from '@azure/core-rest-pipeline';
import { TokenkeepCredential } from 'tokenkeep/azure';
import { CLAIMS, GRAPH_SCOPE, Stage, fails, fingerprint } from './stage.mjs';

/** A client of the SDK: what sends a request to the API. */
function client(stage, { scopes = GRAPH_SCOPE, ...options } = {}) {
  const credential = new TokenkeepCredential(stage.broker, stage.provider, options);
  const pipeline = createEmptyPipeline();
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes }));
  pipeline.addPolicy(tlsPolicy({ ca: stage.ca }));
  const transport = createDefaultHttpClient();
  return (path = '/me', { headers, ...request } = {}) => {
    const url = stage.api + path;
    return pipeline.sendRequest(transport, createPipelineRequest({ url, headers: createHttpHeaders(headers), ...request }));
  };
}

test('a request carries the token of the connection', async (t) => {
  const stage = await Stage.secure(t);
  await stage.login(stage.broker, { connection: 'work' });
  assert.equal((await client(stage)()).status, 200);
  assert.equal((await client(stage, { connection: 'work' })()).status, 200);
  const tokens = [await stage.token(), await stage.token({ connection: 'work' })];
  assert.deepEqual(await stage.tokens(), tokens.map(fingerprint));
  assert.equal(await stage.refreshes(), 0);
});

test('a claims challenge is met by one retry with the whole body', async (t) => {
  const stage = await Stage.secure(t);
  await stage.challenge();
  const send = client(stage);
  assert.equal((await send('/me/messages', { method: 'POST', body: 'the body' })).status, 200);
  assert.equal((await send()).status, 200);
  assert.deepEqual(await stage.statuses(), [401, 200, 200]);
  assert.deepEqual((await stage.requests()).map((entry) => entry.body_bytes), [8, 8, 0]);
  assert.deepEqual(await stage.claims(), [CLAIMS]);
  assert.equal((await stage.tokens())[1], fingerprint(await stage.token()));
});

test('a challenge that only a person can meet', async (t) => {
  const stage = await Stage.secure(t);
  await stage.challenge();
  await stage.needPerson();
  const error = await fails(client(stage)(), 'interaction_required');
  assert.deepEqual(JSON.parse(error.claims), CLAIMS);
  assert.deepEqual(await stage.statuses(), [401]);
});

test('a refusal that stays is the caller\'s', async (t) => {
  const stage = await Stage.secure(t);
  await stage.refuse('invalid_token', 9);
  const send = client(stage);
  for (const answer of [await send(), await send()]) {
    assert.equal(answer.status, 401);
    assert.match(answer.bodyAsText, /the API's own words/);
  }
  assert.deepEqual(await stage.statuses(), [401, 401]);
  assert.equal(await stage.refreshes(), 0);
});

test('an error says what to do', async (t) => {
  const stage = await Stage.secure(t);
  await stage.server.atRefresh({ type: 'error', error: 'invalid_grant', suberror: 'consent_required' });
  await fails(client(stage, { scopes: 'https://vault.azure.net/.default' })(), 'consent_required');
  await stage.endGrant();
  assert.match((await fails(client(stage)(), 'login_required')).help, /tokenkeep login/);
  assert.deepEqual(await stage.requests(), []);
});

test('the credential is what the SDK asks for', async (t) => {
  const stage = await Stage.loggedIn(t);
  const credential = new TokenkeepCredential(stage.broker, stage.provider);
  assert.ok(isTokenCredential(credential));
  const token = await stage.broker.token(stage.provider);
  const expected = { token: token.secret, expiresOnTimestamp: token.expiresAt.getTime(), tokenType: 'Bearer' };
  for (const scopes of [GRAPH_SCOPE, [GRAPH_SCOPE]]) assert.deepEqual(await credential.getToken(scopes), expected);
  assert.ok(!inspect(credential, { depth: null, showHidden: true }).includes(token.secret));

  const options = { claims: JSON.stringify(CLAIMS), tenantId: 'any', enableCae: false };
  const another = await credential.getToken(GRAPH_SCOPE, options);
  assert.notEqual(another.token, token.secret);
  assert.deepEqual(await stage.claims(), [CLAIMS]);
});

test('a token without an end', async (t) => {
  const stage = await Stage.strangers(t);
  const action = { type: 'mutate', remove: ['expires_in', 'refresh_token'] };
  await stage.server.pushFault({ endpoint: 'token', grant_type: 'authorization_code', action });
  await stage.login(stage.broker);
  const { expiresOnTimestamp } = await new TokenkeepCredential(stage.broker, stage.provider).getToken(GRAPH_SCOPE);
  assert.equal(new Date(expiresOnTimestamp).toISOString(), '9999-12-31T23:59:59.000Z');
});

test('the SDK gives a call up', async (t) => {
  const stage = await Stage.secure(t);
  const controller = new AbortController();
  const start = () => client(stage)('/me', { abortSignal: controller.signal });
  const reason = new Error('enough');
  await assert.rejects(stage.abortedRefresh(start, () => controller.abort(reason)), reason);
  await assert.rejects(start(), reason);
  assert.deepEqual(await stage.requests(), []);
});

test('a signal that is not one of Node\'s gives a call up too', async (t) => {
  const stage = await Stage.loggedIn(t);
  const listeners = new Set();
  const abortSignal = {
    aborted: false,
    addEventListener: (_, listener) => listeners.add(listener),
    removeEventListener: (_, listener) => listeners.delete(listener),
  };
  const credential = new TokenkeepCredential(stage.broker, stage.provider);
  const start = () => credential.getToken(GRAPH_SCOPE, { abortSignal });
  assert.equal((await start()).token, await stage.token());
  assert.equal(listeners.size, 0);

  const abort = () => {
    abortSignal.aborted = true;
    for (const listener of listeners) listener();
  };
  await assert.rejects(stage.abortedRefresh(start, abort), { name: 'AbortError' });
  assert.equal(listeners.size, 0);
  await assert.rejects(start(), { name: 'AbortError' });
});

test('what is no bearer token is not handed out', async (t) => {
  const stage = await Stage.ownHeader(t, 'api.acme.example');
  const credential = new TokenkeepCredential(stage.broker, stage.provider);
  const error = await fails(credential.getToken('read'), 'unsupported');
  assert.ok(!inspect(error).includes(await stage.token()));
});
