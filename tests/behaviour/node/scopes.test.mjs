// What was asked for, and what was granted.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stage, fails } from './stage.mjs';

test('scope_not_granted', async (t) => {
  const stage = await Stage.microsoft(t);
  await stage.login();
  const { secret } = await stage.token();
  // Microsoft's spellings of one scope, as every kind of value that names scopes.
  const graph = 'https://graph.microsoft.com/User.Read';
  for (const scopes of ['User.Read', ['user.read'], `${graph} offline_access`, new Set([graph, 'offline_access'])]) {
    assert.equal(await stage.accessToken({ scopes }), secret);
  }
  const scopes = ['User.Read', 'Mail.Send'];
  const error = await fails(stage.token({ scopes }), 'scope_not_granted');
  await fails(() => stage.broker().cachedToken('microsoft', { scopes: new Set(scopes) }), 'scope_not_granted');
  assert.ok(error.message.includes('Mail.Send') && !error.message.includes('User.Read'), error.message);
  const command = error.help.split('`')[1];
  assert.ok(command.startsWith('tokenkeep login microsoft --scopes "'), error.help);
  assert.ok(command.includes('User.Read') && command.includes('Mail.Send'), error.help);
  assert.deepEqual(await stage.refreshes(), [], 'nothing is sent for what is known to be missing');

  // The command that is named is for the connection that lacks the scope.
  await stage.login({ connection: 'work' });
  const work = await fails(stage.token({ connection: 'work', scopes: 'Mail.Send' }), 'scope_not_granted');
  assert.match(work.help, /--connection work/);

  await stage.login({ scopes });
  assert.deepEqual((await stage.token({ scopes: 'mail.send' })).scopes, (await stage.connection()).grantedScopes);
});

test('scopes_of_two_resources_are_refused_before_anybody_is_asked', async (t) => {
  const stage = await Stage.microsoft(t);
  const two = ['User.Read', 'https://outlook.office.com/Mail.Read'];
  const error = await fails(stage.login({ scopes: two }), 'config_invalid');
  assert.match(error.message, /https:\/\/outlook\.office\.com/);
  assert.match(error.help, /--connection/);
  const redirectUri = 'http://127.0.0.1:1/callback';
  const begun = stage.broker().beginLogin('microsoft', stage.loginOptions({ scopes: two, redirectUri }));
  await fails(begun, 'config_invalid');
  assert.deepEqual(await stage.entries(), []);
  const { grantedScopes } = await stage.login({ scopes: [two[1]] });
  assert.ok(grantedScopes.includes(two[1]), grantedScopes.join(' '));
});

test('narrower_scope_is_kept_and_warned', async (t) => {
  const strict = await Stage.acme(t);
  await strict.atRedemption({ type: 'mutate', set: { scope: 'read offline_access' } });
  // The warning of a program: what is missing stands in what `login` resolves to.
  const connection = await strict.login();
  assert.deepEqual(connection.missingScopes, ['write']);
  assert.deepEqual(connection.grantedScopes, ['read', 'offline_access']);
  assert.deepEqual(connection.requestedScopes, ['read', 'write', 'offline_access']);
  assert.deepEqual(await strict.connection(), connection);
  assert.deepEqual((await strict.token({ scopes: 'read' })).scopes, ['read', 'offline_access']);
  await fails(strict.token({ scopes: 'write' }), 'scope_not_granted');

  // RFC 6749 6: a refresh must not ask for what was not granted.
  const entra = await Stage.microsoft(t);
  const granted = 'https://graph.microsoft.com/User.Read';
  await entra.atRedemption({ type: 'mutate', set: { scope: granted } });
  await entra.login({ scopes: 'User.Read Mail.Send' });
  await entra.accessToken({ forceRefresh: true });
  const [refresh, ...more] = await entra.refreshes();
  assert.deepEqual(more, []);
  assert.match(refresh.parameters.scope, /User\.Read/);
  assert.doesNotMatch(refresh.parameters.scope, /Mail\.Send/);

  // Without a word about scopes it is what was asked for (RFC 6749 5.1).
  const silent = await Stage.acme(t);
  await silent.atRedemption({ type: 'mutate', remove: ['scope'] });
  const { grantedScopes, missingScopes } = await silent.login();
  assert.deepEqual([grantedScopes, missingScopes], [['read', 'write', 'offline_access'], []]);
});
