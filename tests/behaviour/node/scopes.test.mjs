// What was asked for, and what was granted.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stage, fails } from './stage.mjs';

/** The parameters of the last authorization request. */
async function lastAsked(stage) {
  return (await stage.entries('authorize')).at(-1).parameters;
}

test('scope_not_granted', async (t) => {
  const stage = await Stage.acme(t);
  await stage.login();
  await stage.accessToken({ scopes: 'read' });
  const scopes = ['read', 'admin'];
  const error = await fails(stage.token({ scopes }), 'scope_not_granted');
  await fails(() => stage.broker().cachedToken('acme', { scopes: new Set(scopes) }), 'scope_not_granted');
  assert.ok(error.message.includes('admin') && !error.message.includes('read'), error.message);
  assert.equal(error.help.split('`')[1], 'tokenkeep login acme --add-scopes "admin"');
  // The command that is named is for the connection that lacks the scope.
  await stage.login({ connection: 'work' });
  const work = await fails(stage.token({ connection: 'work', scopes: 'admin' }), 'scope_not_granted');
  assert.match(work.help, /--connection work/);
  assert.deepEqual(await stage.refreshes(), [], 'nothing is sent for what is known to be missing');

  // Microsoft's spellings of one scope, as every kind of value that names scopes.
  const entra = await Stage.microsoft(t);
  const graph = 'https://graph.microsoft.com/User.Read';
  await entra.atRedemption({ type: 'mutate', set: { scope: graph } });
  await entra.login({ scopes: 'User.Read Mail.Send' });
  const { secret } = await entra.token();
  for (const granted of ['User.Read', ['user.read'], `${graph} offline_access`, new Set([graph, 'offline_access'])]) {
    assert.equal(await entra.accessToken({ scopes: granted }), secret);
  }
  // The login asked for it, and in vain.
  await fails(entra.token({ scopes: 'mail.send' }), 'scope_not_granted');
  assert.deepEqual(await entra.refreshes(), []);
  await entra.login();
  assert.deepEqual((await entra.token({ scopes: 'mail.send' })).scopes, (await entra.connection()).grantedScopes);
});

test('login_for_several_resources', async (t) => {
  const stage = await Stage.microsoft(t);
  const [graph, outlook] = ['https://graph.microsoft.com/User.Read', 'https://outlook.office.com/Mail.Read'];
  const aboutThePerson = 'openid profile offline_access';
  const connection = await stage.login({ scopes: [graph, outlook] });
  // The person consents to all of it; a token is for one resource, and that is the first.
  assert.equal((await lastAsked(stage)).scope, `${graph} ${outlook} ${aboutThePerson}`);
  const [redeemed] = await stage.asked('authorization_code');
  assert.equal(redeemed.parameters.scope, `${graph} ${aboutThePerson}`);
  assert.deepEqual([connection.requestedScopes.length, connection.missingScopes], [5, []]);
  assert.deepEqual(connection.accessTokens.map(({ resource }) => resource), ['https://graph.microsoft.com']);
  // So is its refresh.
  await stage.accessToken({ forceRefresh: true });
  const [refresh] = await stage.refreshes();
  assert.equal(refresh.parameters.scope, redeemed.parameters.scope);
  // A login again is for all of it.
  await stage.login();
  assert.equal((await lastAsked(stage)).scope, `${graph} ${outlook} ${aboutThePerson}`);

  // With a device code there is one request, and a token is what it is for: said before anybody is asked.
  const before = await stage.entries();
  const error = await fails(stage.login({ flow: 'device_code', scopes: [graph, outlook] }), 'config_invalid');
  assert.match(error.message, /https:\/\/outlook\.office\.com/);
  assert.match(error.help, /--flow pkce/);
  assert.deepEqual(await stage.entries(), before);

  // Scopes of one resource: the code is redeemed for what was asked for.
  await stage.login({ scopes: [outlook] });
  assert.equal((await stage.asked('authorization_code')).at(-1).parameters.scope, undefined);
});

test('wider_scopes_ask_for_the_difference', async (t) => {
  const stage = await Stage.microsoft(t);
  const [anna, boris] = ['anna@contoso.example', 'boris@contoso.example'];
  const [userRead, outlook] = ['https://graph.microsoft.com/User.Read', 'https://outlook.office.com/Mail.Read'];
  const aboutThePerson = 'openid profile offline_access';
  // Without an earlier login they go beside the provider's own.
  await stage.login({ addScopes: 'Mail.Read', loginHint: anna });
  assert.equal((await lastAsked(stage)).scope, `${userRead} Mail.Read ${aboutThePerson}`);
  // Then they are the difference, in whatever spelling it is named, for the same account.
  const { requestedScopes } = await stage.login({ addScopes: new Set(['user.read', 'Calendars.Read']) });
  const asked = await lastAsked(stage);
  assert.equal(asked.scope, `Calendars.Read ${aboutThePerson}`);
  assert.equal(asked.login_hint, anna);
  assert.ok(!('prompt' in asked), asked.prompt);
  const all = `${userRead} Mail.Read ${aboutThePerson} Calendars.Read`;
  assert.equal(requestedScopes.join(' '), all);
  // Consent adds up: a refresh names all of it.
  await stage.token({ forceRefresh: true });
  assert.equal((await stage.refreshes()).at(-1).parameters.scope, all);
  // Of another resource: the code is still redeemed for the connection's own.
  await stage.login({ addScopes: [outlook] });
  assert.equal((await lastAsked(stage)).scope, `${all} ${outlook}`);
  assert.equal((await stage.asked('authorization_code')).at(-1).parameters.scope, all);
  // Nothing is new: the person is asked for all of it.
  await stage.login({ addScopes: 'Mail.Read' });
  assert.equal((await lastAsked(stage)).scope, `${all} ${outlook}`);

  // Somebody else's grant is not put in the place of this one.
  const kept = stage.records();
  const error = await fails(stage.login({ addScopes: 'Files.Read', loginHint: boris }), 'provider_rejected');
  for (const told of [anna, boris]) assert.ok(error.message.includes(told), error.message);
  assert.match(error.help, /without --add-scopes/);
  assert.deepEqual(stage.records(), kept);
  assert.equal((await stage.login({ loginHint: boris })).account.username, boris);

  // Where nobody knows that consent adds up, all of it is asked for.
  const acme = await Stage.acme(t);
  await acme.login();
  await acme.login({ addScopes: 'admin' });
  assert.equal((await lastAsked(acme)).scope, 'read write offline_access admin');
  const both = { scopes: 'read', addScopes: ['admin'], redirectUri: 'http://127.0.0.1:1/callback' };
  await fails(acme.broker().beginLogin('acme', both), 'config_invalid');
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
