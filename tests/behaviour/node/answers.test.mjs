// Answers that no server should give: each is read as far as it can be, or is a typed error in time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Stage, fails } from './stage.mjs';

/** How long any answer may keep anybody waiting, in milliseconds. */
const AT_MOST = 31_000;

/** A good answer of nobody's: a token in it must not be seen anywhere. */
const CANARY = '{"access_token":"canary-token","token_type":"Bearer","expires_in":3600}';

function reply(status, body) {
  return { type: 'reply', status, body, headers: [['content-type', 'application/json']] };
}

test('endless_and_slow_and_html_and_redirect_answers', async (t) => {
  const stranger = await Stage.acme(t);
  const location = `${stranger.server.origin}/token`;
  const html = '<!doctype html><title>Sign in to this network</title><p>canary';
  const repeated = '{"access_token":"canary-a","access_token":"canary-b","token_type":"Bearer"}';
  const slow = { type: 'slow_body', interval_milliseconds: 1000, body: CANARY };
  const cases = [
    ['endless', 'network', { type: 'huge_body', mebibytes: 4096 }],
    ['slow', 'network', slow],
    ['html', 'network', { type: 'reply', status: 200, body: html }],
    ['302', 'network', { type: 'redirect', status: 302, location }],
    ['307', 'network', { type: 'redirect', status: 307, location }],
    ['repeated', 'provider_rejected', reply(200, repeated)],
    ['header', 'provider_rejected', reply(200, CANARY.replace('canary-token', 'canary\\r\\nx: y'))],
  ];
  const refreshes = cases.map(async ([name, code, action]) => {
    const stage = await Stage.acme(t);
    await stage.loginExpired();
    await stage.atRefresh(action, 2);
    const begun = performance.now();
    await fails(stage.token(), code);
    const took = performance.now() - begun;
    assert.ok(took <= AT_MOST, `${name}: ${took} ms`);
    assert.equal((await stage.connection()).status, 'connected', `${name} ends no login`);
  });
  // The same wait for somebody who logs in, whose code is sent once.
  const login = async () => {
    const stage = await Stage.acme(t);
    await stage.atRedemption(slow);
    const login = fails(stage.login(), 'network');
    // From the request on: the person takes their own time.
    await stage.untilAFaultStruck();
    const begun = performance.now();
    await login;
    const took = performance.now() - begun;
    assert.ok(took <= AT_MOST, `${took} ms`);
    assert.deepEqual(stage.records(), []);
    assert.equal((await stage.asked('authorization_code')).length, 1);
  };
  await Promise.all([...refreshes, login()]);
  assert.deepEqual(await stranger.entries(), [], 'a redirect is never followed');
});

test('odd_answers', async (t) => {
  // What is odd and can be read is read.
  let stage = await Stage.acme(t);
  const unknown = Array.from({ length: 50 }, (_, i) => [`unknown_${i}`, [{ deeper: { still: i } }, null]]);
  const set = { ...Object.fromEntries(unknown), expires_in: '1800', token_type: 'bearer' };
  await stage.atRedemption({ type: 'mutate', set, headers: [['content-type', 'text/plain']] });
  await stage.login();
  const token = await stage.token();
  assert.equal(token.tokenType, 'Bearer');
  assert.equal(token.authorizationHeader(), `Bearer ${token.secret}`);
  assert.equal(await stage.resource(token.secret), 200);
  const halfAnHour = await stage.accessToken({ minLifetime: 1700 });
  assert.equal(halfAnHour, token.secret);
  assert.deepEqual(await stage.refreshes(), []);
  assert.notEqual(await stage.accessToken({ minLifetime: 1801 }), halfAnHour);

  // A lifetime that is not said is taken to be an hour.
  await stage.atRefresh({ type: 'mutate', remove: ['expires_in', 'token_type', 'scope'] });
  const forced = await stage.accessToken({ forceRefresh: true });
  assert.equal(await stage.accessToken({ minLifetime: 3000 }), forced);

  // What is an error is one, under any status; none of these ends a login.
  const long = 'canary'.repeat(20_000);
  const ids = { error_description: `id ${long} at the end`, trace_id: long, correlation_id: long, suberror: long };
  const cases = [
    ['provider_rejected', reply(200, '{"error":"invalid_client","access_token":"canary"}')],
    ['provider_rejected', reply(400, JSON.stringify({ error: 'invalid_request', error_codes: [1, 2], ...ids }))],
    ['provider_rejected', reply(200, '{}')],
    ['network', { type: 'reply', status: 400 }],
    ['interaction_required', { type: 'error', error: 'interaction_required', claims: '{"a":1}' }],
    ['consent_required', { type: 'error', error: 'invalid_grant', suberror: 'consent_required' }],
  ];
  for (const [code, action] of cases) {
    stage = await Stage.microsoft(t);
    await stage.loginExpired();
    await stage.atRefresh(action);
    const error = await fails(stage.token(), code);
    assert.ok(inspect(error, { depth: null }).length < 6000, inspect(error));
    if (code === 'interaction_required') assert.equal(error.claims, '{"a":1}');
    else assert.equal(error.claims, undefined);
    if (code === 'consent_required') assert.equal(error.server.suberror, 'consent_required');
    assert.equal((await stage.connection()).status, 'connected', inspect(action));
    if (code.endsWith('_required')) await stage.login();
    assert.equal(await stage.resource(await stage.accessToken()), 200, inspect(action));
  }

  // At a login as at a refresh.
  stage = await Stage.acme(t);
  for (const [code, action] of [
    ['provider_rejected', reply(403, '{"error":"invalid_code"}')],
    ['network', { type: 'reply', status: 400 }],
    ['provider_rejected', reply(200, '{"error":"invalid_grant_type","access_token":"canary"}')],
  ]) {
    await stage.atRedemption(action);
    await fails(stage.login(), code);
    assert.deepEqual(stage.records(), []);
  }
});
