// Microsoft's Graph client reads mail and a calendar with a connection's tokens.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AuthenticationHandlerOptions, Client, GraphError, PageIterator } from '@microsoft/microsoft-graph-client';
import { TokenkeepAuthenticationProvider } from 'tokenkeep/graph';
import { GRAPH_SCOPE, Stage, fails, fingerprint } from './stage.mjs';

const OTHER_SCOPE = 'https://vault.azure.net/.default';

function client(stage, options) {
  const authProvider = new TokenkeepAuthenticationProvider(stage.broker, stage.provider, options);
  const customHosts = new Set([new URL(stage.api).hostname]);
  return Client.initWithMiddleware({ authProvider, baseUrl: stage.server.origin, customHosts });
}

/** The subjects of all messages, page by page. */
async function subjects(graph) {
  const found = [];
  const page = await graph.api('/me/messages').get();
  await new PageIterator(graph, page, (message) => found.push(message.subject)).iterate();
  return found;
}

test('mail and a calendar are read', async (t) => {
  const stage = await Stage.secure(t);
  const graph = client(stage, { scopes: GRAPH_SCOPE });
  assert.deepEqual(await subjects(graph), [1, 2, 3, 4, 5].map((number) => `Message ${number}`));
  const week = { startDateTime: '2026-01-01T00:00:00Z', endDateTime: '2026-01-08T00:00:00Z' };
  for (const request of [graph.api('/me/events'), graph.api('/me/calendarView').query(week)]) {
    assert.equal((await request.get()).value.length, 3);
  }
  assert.deepEqual(await stage.tokens(), Array(4).fill(fingerprint(await stage.token())));
  assert.equal(await stage.refreshes(), 0);
});

test('the connection and the scopes are those that were named', async (t) => {
  const stage = await Stage.secure(t);
  await stage.login(stage.broker, { connection: 'work' });
  await client(stage, { connection: 'work' }).api('/me').get();
  assert.deepEqual(await stage.tokens(), [fingerprint(await stage.token({ connection: 'work' }))]);

  // A list that can be read once counts for every request.
  const other = client(stage, { scopes: new Set([OTHER_SCOPE]).values() });
  for (let request = 0; request < 2; request++) await other.api('/me').get();
  // What a request names comes first.
  const named = (scope) => [new AuthenticationHandlerOptions(undefined, { scopes: [scope] })];
  await other.api('/me').middlewareOptions(named(GRAPH_SCOPE)).get();
  await client(stage).api('/me').middlewareOptions(named(OTHER_SCOPE)).get();
  const [own, another] = [await stage.token(), await stage.token({ scopes: OTHER_SCOPE })];
  assert.notEqual(own, another);
  assert.deepEqual((await stage.tokens()).slice(1), [another, another, own, another].map(fingerprint));
});

test('an expired token is refreshed', async (t) => {
  const stage = await Stage.secure(t);
  await stage.loginExpired(stage.broker);
  await Promise.all([1, 2, 3].map(() => client(stage).api('/me').get()));
  assert.deepEqual(await stage.statuses(), [200, 200, 200]);
  assert.equal(await stage.refreshes(), 1);
});

test('a refusal is the caller\'s', async (t) => {
  const stage = await Stage.secure(t);
  await stage.refuse('invalid_token', 9);
  await assert.rejects(client(stage).api('/me').get(), (error) => {
    assert.ok(error instanceof GraphError);
    assert.deepEqual([error.statusCode, error.message], [401, "the API's own words"]);
    return true;
  });
  assert.deepEqual(await stage.statuses(), [401]);
  assert.equal(await stage.refreshes(), 0);
});

test('a login that is required says what to do', async (t) => {
  const stage = await Stage.secure(t);
  await stage.endGrant();
  await assert.rejects(client(stage).api('/me').get(), (error) => {
    assert.ok(error instanceof GraphError);
    assert.equal(error.code, 'login_required');
    assert.match(error.message, /tokenkeep login/);
    return true;
  });
  const own = new TokenkeepAuthenticationProvider(stage.broker, stage.provider);
  assert.match((await fails(own.getAccessToken(), 'login_required')).help, /tokenkeep login/);
  assert.deepEqual(await stage.requests(), []);
});

test('what is no bearer token is not handed out', async (t) => {
  const stage = await Stage.ownHeader(t, 'api.acme.example');
  const provider = new TokenkeepAuthenticationProvider(stage.broker, stage.provider);
  await fails(provider.getAccessToken(), 'unsupported');
});
