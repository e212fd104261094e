// An API that will not have the token: another one once, and with the claims that it demands.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stage, fails, person } from './stage.mjs';

/** A request to the API; the challenges of its 401, or null. */
async function ask(stage, token) {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await person.get(`${stage.server.origin}/v1.0/me`, headers);
  if (answer.status === 200) return null;
  assert.equal(answer.status, 401);
  return [answer.headers['www-authenticate']];
}

/** The token after a refusal, as text; null when a retry is of no use. */
async function afterRefusal(broker, provider, refused, wwwAuthenticate) {
  const token = await broker.tokenAfterRefusal(provider, { refused, wwwAuthenticate });
  return token && token.secret;
}

test('refused_token_is_replaced_once', async (t) => {
  const stage = await Stage.acme(t);
  await stage.login();
  const broker = stage.broker();
  const first = await stage.accessToken();
  assert.equal(await ask(stage, first), null);
  await stage.server.control('POST', 'expire');
  const challenges = await ask(stage, first);

  // All who were refused it at once make one refresh.
  const refused = Array.from({ length: 5 }, () => afterRefusal(broker, 'acme', first, challenges));
  const [second, ...others] = await Promise.all([...refused, stage.accessToken({ replaces: first })]);
  assert.ok(second && second !== first);
  for (const other of others) assert.equal(other, second);
  assert.equal(await ask(stage, second), null);
  // Whoever was refused the same one later takes what is there.
  assert.equal(await afterRefusal(broker, 'acme', first), second);
  assert.equal(await stage.accessToken(), second);
  assert.equal((await stage.refreshes()).length, 1);
  // An API that refuses every token is not given a new one for each request.
  assert.equal(await afterRefusal(broker, 'acme', second, challenges), null);
  // Wider scopes are a person's to grant.
  const wider = 'Bearer error="insufficient_scope", scope="admin"';
  assert.equal(await afterRefusal(broker, 'acme', first, wider), null);
  // A nonce is for a proof, and no proof goes with these.
  assert.equal(await afterRefusal(broker, 'acme', second, 'DPoP error="use_dpop_nonce"'), null);
  assert.equal((await stage.refreshes()).length, 1);
});

test('claims_challenge_is_met_by_one_refresh', async (t) => {
  const stage = await Stage.microsoft(t);
  await stage.login();
  const broker = stage.broker();
  const claims = { access_token: { nbf: { essential: true, value: '1700000000' } } };
  const challenge = (claims) => stage.fault({ endpoint: 'resource', action: { type: 'challenge', claims } });
  await challenge(claims);
  const first = await stage.accessToken();
  let challenges = await ask(stage, first);
  const second = await afterRefusal(broker, 'microsoft', first, challenges);
  assert.equal(await ask(stage, second), null);
  const sent = await stage.refreshes();
  assert.equal(sent.length, 1);
  assert.deepEqual(JSON.parse(sent[0].parameters.claims), claims);
  // The same demand, from anybody: it is met.
  assert.equal(await afterRefusal(broker, 'microsoft', first, challenges), second);
  assert.equal(await stage.accessToken({ claims: JSON.stringify(claims) }), second);
  assert.equal(await stage.accessToken(), second);
  assert.equal((await stage.refreshes()).length, 1);

  // Another demand is another question; what only the person can meet is told, with what to log in for.
  const stepUp = { access_token: { acrs: { essential: true, value: 'c1' } } };
  await challenge(stepUp);
  challenges = await ask(stage, second);
  await stage.atRefresh({ type: 'error', error: 'interaction_required', claims: JSON.stringify(stepUp) });
  const error = await fails(afterRefusal(broker, 'microsoft', second, challenges), 'interaction_required');
  assert.deepEqual(JSON.parse(error.claims), stepUp);
  assert.equal(error.server.error, 'interaction_required');
  // It is nobody's trouble but of those who ask for the same.
  assert.equal(await stage.accessToken(), second);
  const again = await fails(stage.token({ claims: JSON.stringify(stepUp) }), 'interaction_required');
  assert.deepEqual(JSON.parse(again.claims), stepUp);
  assert.equal((await stage.refreshes()).length, 2, 'the same question is not asked twice');
  await fails(stage.token({ claims: 'essential' }), 'config_invalid');
});
