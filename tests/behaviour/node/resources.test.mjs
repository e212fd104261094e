// One grant, many resources: a token for each, kept by itself, and the one refresh token that brings them all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Stage, fails } from './stage.mjs';

const GRAPH = 'https://graph.microsoft.com';
const MAIL = 'https://outlook.office365.com/IMAP.AccessAsUser.All';
const SITES = 'https://contoso.sharepoint.com/AllSites.Read';
const VAULT = 'https://vault.azure.net/.default';

/** What an API's scope is for. */
const resourceOf = (scope) => new URL(scope).origin;

test('one_login_many_resources', async (t) => {
  const stage = await Stage.microsoft(t);
  await stage.login();
  const graph = await stage.token();
  assert.equal(graph.resource, GRAPH);
  const tokens = new Set([graph.secret]);
  for (const scopes of [MAIL, SITES, VAULT]) {
    const token = await stage.token({ scopes });
    assert.equal(token.resource, resourceOf(scopes));
    // Kept by itself: the next call sends nothing, and takes the place of no other.
    assert.equal(await stage.accessToken({ scopes: [scopes] }), token.secret);
    assert.equal(stage.broker().cachedToken('microsoft', { scopes }).secret, token.secret);
    tokens.add(token.secret);
  }
  assert.equal(tokens.size, 4);
  assert.equal(await stage.accessToken(), graph.secret);
  assert.equal(await stage.accessToken({ scopes: 'User.Read' }), graph.secret);

  const refreshes = await stage.refreshes();
  assert.equal(refreshes.length, 3, 'one for each resource that was new');
  for (const [n, scopes] of [MAIL, SITES, VAULT].entries()) {
    const { parameters, outcome } = refreshes[n];
    assert.deepEqual(parameters.scope.split(' ').sort(), [scopes, 'offline_access', 'openid', 'profile'].sort());
    assert.ok(outcome.reuse === false && !('resource' in parameters), inspect(refreshes[n]));
  }
  const held = (await stage.connection()).accessTokens;
  assert.deepEqual(held.map(({ resource }) => resource), [GRAPH, ...[MAIL, SITES, VAULT].map(resourceOf)]);
  for (const { scopes, expiresAt } of held) assert.ok(scopes.length > 0 && expiresAt > new Date(), inspect(held));

  // Each is refreshed by itself: a new one here leaves the others as they are.
  const renewed = await stage.accessToken({ scopes: MAIL, forceRefresh: true });
  assert.ok(!tokens.has(renewed));
  assert.ok(tokens.has(await stage.accessToken({ scopes: SITES })));
  assert.equal(await stage.accessToken(), graph.secret);
  const { parameters } = (await stage.refreshes())[3];
  assert.ok(parameters.scope.includes(MAIL), parameters.scope);

  // A token is for one resource.
  const scopes = ['User.Read', MAIL];
  for (const call of [stage.token({ scopes }), () => stage.broker().cachedToken('microsoft', { scopes })]) {
    const error = await fails(call, 'config_invalid');
    assert.ok(error.message.includes(resourceOf(MAIL)), error.message);
  }
});

test('resource_without_consent_ends_nothing', async (t) => {
  const stage = await Stage.microsoft(t);
  await stage.login();
  const refusal = { type: 'error', error: 'invalid_grant', suberror: 'consent_required', numbers: [65001] };
  await stage.atRefresh(refusal);
  const error = await fails(stage.token({ scopes: MAIL }), 'consent_required');
  assert.ok(error.message.includes(MAIL), error.message);
  assert.ok(error.help.includes(`\`tokenkeep login microsoft --add-scopes "${MAIL}"\``), error.help);
  assert.equal(error.server.suberror, 'consent_required');
  // The same question has the same answer for a minute, whoever asks; others are not held up.
  const again = await fails(stage.broker().token('microsoft', { scopes: [MAIL] }), 'consent_required');
  assert.equal(again.help, error.help);
  assert.equal((await stage.refreshes()).length, 1);
  await stage.token({ scopes: SITES });
  await stage.token({ forceRefresh: true });
  await fails(stage.token({ scopes: MAIL }), 'consent_required');
  assert.equal((await stage.refreshes()).length, 3);

  // Personal accounts are told the same without a suberror. It says nothing of the grant.
  await stage.atRefresh({ type: 'error', error: 'invalid_grant', numbers: [70000] });
  await fails(stage.token({ scopes: VAULT }), 'consent_required');
  assert.equal((await stage.connection()).status, 'connected');
  await stage.token({ forceRefresh: true });

  // What was granted once and is refused now is the end of the grant.
  await stage.revokeAll();
  await fails(stage.token({ scopes: SITES, forceRefresh: true }), 'login_required');
  assert.equal((await stage.connection()).status, 'login_required');
});

test('extended_life_is_served_while_the_server_is_down', async (t) => {
  const stage = await Stage.microsoft(t);
  await stage.change({ ext_expires_in: 3600 });
  await stage.loginExpired();
  await stage.atRefresh({ type: 'reply', status: 503, body: '<html>canary' }, 3);
  await fails(stage.token(), 'network');
  const extended = await stage.token({ allowExtended: true });
  const minutes = (extended.expiresAt - Date.now()) / 60_000;
  assert.ok(minutes > 58 && minutes <= 60, `the end of the extended life: ${minutes} minutes`);
  // Not for whoever has found it to be of no use, and not for whoever did not ask for it.
  await fails(stage.token({ allowExtended: true, forceRefresh: true }), 'network');
  await fails(stage.token({ allowExtended: true, replaces: extended.secret }), 'network');
  await stage.server.control('DELETE', 'faults');
  const renewed = await stage.accessToken();
  assert.notEqual(renewed, extended.secret);
  assert.equal(await stage.accessToken({ allowExtended: true }), renewed);

  // What the server refuses is no outage.
  const other = await Stage.microsoft(t);
  await other.change({ ext_expires_in: 3600 });
  await other.loginExpired();
  await other.revokeAll();
  await fails(other.token({ allowExtended: true }), 'login_required');
});
