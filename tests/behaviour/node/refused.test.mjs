// What a login must not take: answers of another login or another server, and id_tokens of anybody else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { CLIENT_ID, Stage, fails, person, until } from './stage.mjs';

/** Waits until the program has been told that something was not the answer: why, and nothing of what came. */
async function toldOfARefusal(login) {
  await until(() => login.refused.length > 0);
  for (const reason of login.refused) {
    assert.notEqual(reason, '');
    assert.ok(!reason.includes(login.parameter('state')) && !reason.includes('canary'), reason);
  }
}

test('wrong_state_is_refused_and_the_login_goes_on', async (t) => {
  const stage = await Stage.microsoft(t);
  const login = await stage.beginLogin();
  const state = login.parameter('state');
  // Whatever a stranger on this machine, or a page in the browser, may send.
  const strange = [
    'code=x&state=wrong',
    'code=x',
    'code=x&state=',
    'error=access_denied&error_description=canary&state=wrong',
    `code=&state=${state}`,
    `code=a&code=b&state=${state}`,
    `code=a&state=${state}&state=${state}`,
    `code=a&error=access_denied&state=${state}`,
    '',
  ];
  for (const query of strange) {
    const { status, text } = await person.get(login.redirect(query));
    assert.equal(status, 400, query);
    assert.ok(text.includes('still waiting') && !text.includes(state), query);
  }
  const forged = await person.post(login.redirect(), { code: 'x', state: 'wrong' });
  assert.equal(forged.status, 400);
  const elsewhere = login.redirect(`code=x&state=${state}`);
  elsewhere.pathname = '/';
  assert.equal((await person.get(elsewhere)).status, 404);
  await toldOfARefusal(login);
  assert.deepEqual(await stage.asked('authorization_code'), [], 'nothing was redeemed');

  assert.equal(await person.visit(login.url), 0);
  assert.equal((await login.ended).status, 'connected');
  assert.equal((await stage.asked('authorization_code')).length, 1);
});

test('mix_up_is_refused', async (t) => {
  const stage = await Stage.oidc(t);
  const login = await stage.beginLogin();
  await stage.change({ issuer_parameter: 'wrong' });
  assert.equal((await person.get(await person.redirected(login.url))).status, 400);
  await toldOfARefusal(login);
  assert.deepEqual(await stage.asked('authorization_code'), [], 'the code of a stranger goes nowhere');
  // An error of a stranger is neither acted on nor shown.
  const state = login.parameter('state');
  const error = `error=access_denied&error_description=canary&state=${state}&iss=https://wrong.example`;
  const page = await person.get(login.redirect(error));
  assert.ok(page.status === 400 && !page.text.includes('canary'), page.text);
  // The right server still can.
  await stage.change({ issuer_parameter: 'on' });
  assert.equal(await person.visit(login.url), 0);
  assert.equal((await login.ended).issuer, stage.server.issuer);
  assert.equal(login.refused.length, 1, 'each reason is told once');
});

test('missing_iss_is_refused_when_advertised', async (t) => {
  let stage = await Stage.oidc(t);
  // The metadata, which is read first, promises it.
  const login = await stage.beginLogin();
  await stage.change({ issuer_parameter: 'off' });
  assert.equal((await person.get(await person.redirected(login.url))).status, 400);
  await toldOfARefusal(login);
  assert.deepEqual(await stage.asked('authorization_code'), []);
  await stage.change({ issuer_parameter: 'on' });
  assert.equal(await person.visit(login.url), 0);
  assert.equal((await login.ended).status, 'connected');

  // A server that does not promise it is taken at its word.
  stage = await Stage.oidc(t);
  await stage.change({ issuer_parameter: 'off' });
  assert.equal((await stage.login()).status, 'connected');
});

test('wrong_id_token_is_refused', async (t) => {
  const other = '11111111-2222-4333-8444-555555555555';
  const issuer = `https://login.microsoftonline.com/${other}/v2.0`;
  const cases = [
    [await Stage.oidc(t), [
      { set: { nonce: "another login's" } },
      { set: { aud: 'another client' } },
      { set: { iss: 'https://wrong.example' } },
      { set: { exp: 1 } },
      { signature: 'none' },
    ]],
    [await Stage.microsoft(t), [{ set: { tid: other } }, { set: { iss: issuer, tid: other } }]],
  ];
  for (const [stage, wrong] of cases) {
    for (const idToken of wrong) {
      await stage.atRedemption({ type: 'mutate', id_token: idToken });
      const error = await fails(stage.login(), 'provider_rejected');
      assert.match(error.message, /id_token/, inspect(idToken));
      assert.deepEqual(stage.records(), [], `${inspect(idToken)}: nothing is kept`);
    }
    assert.equal((await stage.login()).status, 'connected');
  }
});

test('mutated_id_tokens_are_refused', async (t) => {
  const stage = await Stage.microsoft(t);
  const [home, other] = ['7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f', '11111111-2222-4333-8444-555555555555'];
  const issuer = (tenant, origin = stage.server.origin) => `${origin}/${tenant}/v2.0`;
  // One member each, of an id_token that is good but for it.
  const values = {
    iss: [
      issuer(home, 'https://evil.example'),
      issuer(other),
      issuer('{tenantid}'),
      issuer('common'),
      `${issuer(home)}/`,
      `https://sts.windows.net/${home}/`,
    ],
    tid: [other, 'common', `${home}/../${other}`, ''],
    aud: [other, [CLIENT_ID, other], []],
    azp: [other],
    nonce: ["another login's"],
    exp: [1, 'tomorrow'],
    iat: [32_503_680_000],
    sub: [''],
  };
  const set = Object.entries(values).flatMap(([name, wrong]) => wrong.map((value) => ({ set: { [name]: value } })));
  const removed = ['iss', 'tid', 'aud', 'nonce', 'exp', 'sub'].map((name) => ({ remove: [name] }));
  const signatures = ['none', 'empty'].map((signature) => ({ signature }));
  for (const idToken of [...set, ...removed, ...signatures]) {
    await stage.atRedemption({ type: 'mutate', id_token: idToken });
    const error = await fails(stage.login(), 'provider_rejected');
    assert.match(error.message, /id_token/, inspect(idToken));
    assert.deepEqual(stage.records(), [], `${inspect(idToken)}: nothing is kept`);
  }

  // A refresh is relied on for being about the same account of the same client: the rest was the login's.
  await stage.login();
  const token = await stage.accessToken();
  const reliedOn = ['iss', 'tid', 'aud', 'sub'].flatMap((name) => [{ set: { [name]: other } }, { remove: [name] }]);
  const refreshed = [...reliedOn, ...signatures];
  for (const idToken of refreshed) {
    await stage.atRefresh({ type: 'mutate', id_token: idToken });
    const error = await fails(stage.token({ forceRefresh: true }), 'provider_rejected');
    assert.match(error.message, /id_token/, inspect(idToken));
    assert.equal(await stage.accessToken(), token, `${inspect(idToken)}: what is at hand is served`);
  }
  assert.equal((await stage.refreshes()).length, refreshed.length);
  assert.notEqual(await stage.accessToken({ forceRefresh: true }), token);
});

test('lost_code_redemption_is_sent_once', async (t) => {
  const stage = await Stage.acme(t);
  await stage.atRedemption({ type: 'drop_after' });
  const error = await fails(stage.login(), 'network');
  assert.match(error.help, /again/);
  assert.equal((await stage.asked('authorization_code')).length, 1, 'a code that may have been used is worth nothing');
  assert.deepEqual(stage.records(), []);
  assert.equal((await stage.login()).status, 'connected');
});

test('insecure_issuer_is_refused_without_the_switch', async (t) => {
  const stage = await Stage.oidc(t);
  stage.reopen({ insecureLoopback: false });
  const error = await fails(stage.login(), 'config_invalid');
  assert.match(error.help, /TOKENKEEP_INSECURE_LOOPBACK/);
  assert.deepEqual(await stage.entries(), [], 'not even the metadata was asked for');
  // The switch is for this machine, and for no other.
  stage.reopen({ insecureLoopback: true });
  for (const issuer of ['http://login.example', 'http://localhost.example', 'ftp://127.0.0.1']) {
    await fails(stage.login({ issuer }), 'config_invalid');
  }
  await stage.loginExpired();
  // What was allowed for the login is not allowed for a refresh.
  stage.reopen({ insecureLoopback: false });
  await fails(stage.token(), 'config_invalid');
  assert.deepEqual(await stage.refreshes(), []);
  stage.reopen({ insecureLoopback: true });
  assert.equal(await stage.resource(await stage.accessToken()), 200);
});
