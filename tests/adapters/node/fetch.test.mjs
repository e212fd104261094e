// `fetch` sends requests with a connection's tokens: Node's own, and the one of undici.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { authorizedFetch } from 'tokenkeep/fetch';
import * as undici from 'undici';
import { CLAIMS, Stage, elsewhere, fails, fingerprint, resourceEntries, startApi } from './stage.mjs';

const OTHER_SCOPE = 'https://vault.azure.net/.default';

for (const [name, inner, OwnRequest] of [
  ['Node\'s own', undefined, Request],
  ['undici\'s', undici.fetch, undici.Request],
]) {
  describe(name, () => {
    const authorized = (stage, options = {}) =>
      authorizedFetch(stage.broker, stage.provider, { allowedHosts: [stage.host], fetch: inner, ...options });

    /** The status that `send` is answered with, once all of it is read. */
    async function status(stage, send = authorized(stage), url = `${stage.api}/me`, init) {
      const answer = await send(url, init);
      await answer.text();
      return answer.status;
    }

    test('a request carries the token of the connection', async (t) => {
      const stage = await Stage.loggedIn(t);
      const url = `${stage.api}/me/messages`;
      const send = authorized(stage, { allowedHosts: stage.host });
      for (const input of [url, new URL(url), new OwnRequest(url)]) {
        const { value } = await (await send(input)).json();
        assert.deepEqual(value.map((message) => message.subject), ['Message 1', 'Message 2', 'Message 3']);
      }
      assert.deepEqual(await stage.tokens(), Array(3).fill(fingerprint(await stage.token())));
      assert.equal(await stage.refreshes(), 0);
    });

    test('the connection and the scopes are those that were named', async (t) => {
      const stage = await Stage.loggedIn(t);
      await stage.login(stage.broker, { connection: 'work' });
      const work = authorized(stage, { connection: 'work' });
      assert.equal(await status(stage, work), 200);
      const first = await stage.token({ connection: 'work' });
      await stage.expire();
      assert.equal(await status(stage, work), 200);
      const sent = [first, first, await stage.token({ connection: 'work' })];
      assert.deepEqual(await stage.tokens(), sent.map(fingerprint));
      // A list that can be read once counts for every request.
      const other = authorized(stage, { scopes: new Set([OTHER_SCOPE]).values() });
      for (let request = 0; request < 2; request++) assert.equal(await status(stage, other), 200);
      const another = fingerprint(await stage.token({ scopes: OTHER_SCOPE }));
      assert.deepEqual((await stage.tokens()).slice(3), [another, another]);
      assert.notEqual(another, fingerprint(await stage.token()));
    });

    test('the caller\'s headers come along, and its Authorization does not', async (t) => {
      const stage = await Stage.loggedIn(t);
      const headers = { prefer: 'outlook.timezone="UTC"', authorization: 'Bearer other' };
      const seen = [];
      const spy = (input, init) => (seen.push(new Headers(init.headers)), (inner ?? fetch)(input, init));
      const send = authorized(stage, { fetch: spy });
      await status(stage, send, `${stage.api}/me`, { headers });
      await status(stage, send, new OwnRequest(`${stage.api}/me`, { headers }));
      await status(stage, send, new OwnRequest(`${stage.api}/me`, { headers: { prefer: 'other' } }), { headers });
      assert.deepEqual(seen.map((sent) => sent.get('prefer')), Array(3).fill(headers.prefer));
      assert.deepEqual(await stage.tokens(), Array(3).fill(fingerprint(await stage.token())));
      assert.deepEqual(headers.authorization, 'Bearer other');
    });

    test('a refused token is replaced and the whole request repeated', async (t) => {
      const stage = await Stage.loggedIn(t);
      const bodies = ['the body', new TextEncoder().encode('the body'), new Blob(['the body'])];
      for (const body of bodies) {
        await stage.expire();
        const init = { method: 'POST', body };
        assert.equal(await status(stage, authorized(stage), `${stage.api}/me/messages`, init), 200);
        // The rule of the core's against storms: a token that was refreshed just now is not bettered.
        await stage.login(stage.broker);
      }
      assert.deepEqual(await stage.statuses(), [401, 200, 401, 200, 401, 200]);
      assert.deepEqual((await stage.requests()).map((entry) => entry.body_bytes), Array(6).fill(8));
      assert.equal(await stage.refreshes(), 3);
      const [refused, repeated] = await stage.tokens();
      assert.notEqual(repeated, refused);
    });

    test('a token that was refreshed elsewhere is picked up', async (t) => {
      const stage = await Stage.loggedIn(t);
      const send = authorized(stage);
      assert.equal(await status(stage, send), 200);
      await stage.expire();
      const newer = await stage.token({ forceRefresh: true });
      assert.equal(await status(stage, send), 200);
      assert.equal((await stage.tokens())[1], fingerprint(newer));
      assert.equal(await stage.refreshes(), 1);
    });

    test('requests side by side are one refresh', async (t) => {
      const stage = await Stage.loggedIn(t);
      await stage.expire();
      const send = authorized(stage);
      assert.deepEqual(await Promise.all(Array.from({ length: 8 }, () => status(stage, send))), Array(8).fill(200));
      assert.equal(await stage.refreshes(), 1);
    });

    test('an API that refuses every token is no storm of refreshes', async (t) => {
      const stage = await Stage.loggedIn(t);
      await stage.refuse('invalid_token', 9);
      const send = authorized(stage);
      for (let request = 0; request < 3; request++) {
        const answer = await send(`${stage.api}/me`);
        assert.equal(answer.status, 401);
        assert.match(await answer.text(), /the API's own words/);
      }
      // One repetition with the one token that was refreshed; after that there is nothing to try.
      assert.deepEqual(await stage.statuses(), [401, 401, 401, 401]);
      assert.equal(await stage.refreshes(), 1);
    });

    test('a claims challenge is met', async (t) => {
      const stage = await Stage.loggedIn(t);
      await stage.challenge('Basic realm="x"');
      assert.equal(await status(stage), 200);
      assert.deepEqual(await stage.statuses(), [401, 200]);
      assert.deepEqual(await stage.claims(), [CLAIMS]);
    });

    test('a challenge that only a person can meet', async (t) => {
      const stage = await Stage.loggedIn(t);
      await stage.challenge();
      await stage.needPerson();
      const error = await fails(status(stage), 'interaction_required');
      assert.deepEqual(JSON.parse(error.claims), CLAIMS);
      assert.deepEqual(await stage.statuses(), [401]);
    });

    test('wider scopes are not to be had by a refresh', async (t) => {
      const stage = await Stage.loggedIn(t);
      await stage.refuse('insufficient_scope', 2);
      assert.equal(await status(stage), 401);
      assert.deepEqual(await stage.statuses(), [401]);
      assert.equal(await stage.refreshes(), 0);
    });

    test('a body that is gone is not sent again', async (t) => {
      const stage = await Stage.loggedIn(t);
      const url = `${stage.api}/me/messages`;
      const given = { method: 'POST', duplex: 'half' };
      async function* pieces() {
        yield new TextEncoder().encode('piece');
      }
      const requests = [
        [url, { ...given, body: new Blob(['piece']).stream() }],
        [url, { ...given, body: pieces() }],
        [new OwnRequest(url, { ...given, body: 'piece' })],
      ];
      for (const [input, init] of requests) {
        await stage.refuse('invalid_token', 1);
        assert.equal(await status(stage, authorized(stage), input, init), 401);
        assert.equal(await status(stage), 200);
        await stage.login(stage.broker);
      }
      assert.deepEqual(await stage.statuses(), [401, 200, 401, 200, 401, 200]);
      const [refused, next] = await stage.tokens();
      assert.notEqual(next, refused, 'the next request has the new token');
      // The body of a Request can be replaced by one that is at hand.
      await stage.refuse('invalid_token', 1);
      const replaced = { method: 'POST', body: 'piece' };
      assert.equal(await status(stage, authorized(stage), new OwnRequest(url, { ...given, body: 'x' }), replaced), 200);
    });

    test('nothing is sent to a host that is not allowed', async (t) => {
      const [stage, other] = [await Stage.loggedIn(t), await elsewhere(t)];
      const [port, otherPort] = [stage.host, new URL(other.origin).host].map((host) => host.split(':')[1]);
      const send = authorized(stage);
      for (const url of [
        `http://localhost:${otherPort}/v1.0/me`,
        `http://127.0.0.1:${port}/v1.0/me`,
        `http://${stage.host}@127.0.0.1:${otherPort}/v1.0/me`,
        `http://127.0.0.1:${otherPort}\\@${stage.host}/v1.0/me`,
        `https://127.0.0.1:${otherPort}/v1.0/me`,
        new URL(`http://localhost:${otherPort}/v1.0/me`),
        new OwnRequest(`http://localhost:${otherPort}/v1.0/me`),
      ]) {
        assert.match((await fails(send(url), 'config_invalid')).message, /may not be sent to/);
      }
      await assert.rejects(send('/v1.0/me'), TypeError);
      assert.deepEqual(await stage.requests(), []);
      assert.deepEqual((await other.journal()).entries, []);
    });

    test('an address that is changed meanwhile is not the one that is asked', async (t) => {
      const [stage, other] = [await Stage.loggedIn(t), await elsewhere(t)];
      const url = new URL(`${stage.api}/me`);
      const answer = status(stage, authorized(stage), url);
      url.port = new URL(other.origin).port;
      assert.equal(await answer, 200);
      assert.deepEqual((await other.journal()).entries, []);
    });

    test('hosts that are none are refused at once', async (t) => {
      const stage = await Stage.strangers(t);
      for (const allowedHosts of [[], [stage.api], ['*'], '']) {
        await fails((async () => authorized(stage, { allowedHosts }))(), 'config_invalid');
      }
    });

    test('hosts that nobody names are those of the API, or of the resource', async (t) => {
      const api = await startApi(t);
      const stage = await Stage.ownHeader(t, api.host);
      const send = authorizedFetch(stage.broker, stage.provider, { fetch: inner });
      assert.equal(await status(stage, send, api.url), 200);
      assert.match((await fails(send(stage.server.origin), 'config_invalid')).message, /may not be sent to/);

      const resource = `${stage.server.origin}/mcp`;
      const login = { flow: 'pkce', clientId: 'public', resource, interaction: stage.person };
      await stage.broker.login('mcp', login);
      const toResource = authorizedFetch(stage.broker, 'mcp', { resource, fetch: inner });
      assert.equal(await status(stage, toResource, resource), 200);
      await fails(toResource(api.url), 'config_invalid');

      await stage.broker.addProvider(stage.home.write('plain.toml', stage.plain));
      await stage.login(stage.broker);
      assert.match((await fails(send(api.url), 'config_invalid')).message, /no host is named/);
      assert.equal(api.requests.length, 1);
    });

    test('a token goes into the header that its API wants, and no redirect takes it along', async (t) => {
      const [api, other] = [await startApi(t), await startApi(t)];
      const stage = await Stage.ownHeader(t, api.host);
      const refused = await stage.token();
      const send = authorizedFetch(stage.broker, stage.provider, { allowedHosts: [api.host, other.host], fetch: inner });
      api.answers.push({ status: 401, 'www-authenticate': 'Bearer error="invalid_token"' });
      assert.equal(await status(stage, send, api.url, { method: 'POST', body: 'x' }), 200);
      assert.deepEqual(api.sent('x-acme-token'), [refused, await stage.token()]);
      assert.deepEqual(api.sent('authorization'), [undefined, undefined]);

      api.answers.push({ status: 307, location: other.url });
      assert.equal((await send(api.url)).status, 307);
      api.answers.push({ status: 307, location: other.url });
      await assert.rejects(send(new OwnRequest(api.url, { redirect: 'error' })), TypeError);
      assert.equal(other.requests.length, 0);
    });

    test('a token that is bound to a key has a proof for each request', async (t) => {
      const api = await startApi(t);
      // That its proofs are good is for the core's own tests.
      const bound = {
        ...{ provider: 'acme', connection: 'work', tokenType: 'DPoP', headerName: 'Authorization', secret: 'bound' },
        authorizationHeader: () => 'DPoP bound',
      };
      const proven = [];
      const broker = {
        token: async () => bound,
        dpopProof: async (provider, { url, ...proof }) => `proof-${proven.push({ provider, url: String(url), ...proof })}`,
        tokenAfterRefusal: async (_, { wwwAuthenticate }) => (wwwAuthenticate.includes('use_dpop_nonce') ? bound : null),
      };
      const send = authorizedFetch(broker, 'acme', { allowedHosts: api.host, fetch: inner });
      api.answers.push({ status: 401, 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'one' });
      const url = `${api.url}?page=2`;
      assert.equal(await status(undefined, send, url, { method: 'post', body: 'x' }), 200);
      assert.deepEqual(api.sent('authorization'), ['DPoP bound', 'DPoP bound']);
      assert.deepEqual(api.sent('dpop'), ['proof-1', 'proof-2']);
      const asked = { provider: 'acme', connection: 'work', method: 'POST', url, accessToken: 'bound' };
      assert.deepEqual(proven, [{ ...asked, nonce: undefined }, { ...asked, nonce: 'one' }]);
      assert.equal(await status(undefined, send, new OwnRequest(url, { method: 'DELETE' })), 200);
      assert.equal(proven[2].method, 'DELETE');
    });

    test('a redirect to another host carries no token', async (t) => {
      const [stage, other] = [await Stage.loggedIn(t), await elsewhere(t)];
      const otherPort = new URL(other.origin).port;
      for (const target of [`localhost:${otherPort}`, `127.0.0.1:${otherPort}`]) {
        for (const code of [301, 302, 303, 307, 308]) {
          await stage.redirect(code, `http://${target}/v1.0/me`);
          // Also when it would be allowed: the client drops the token, and nobody puts it back.
          assert.equal(await status(stage, authorized(stage, { allowedHosts: [stage.host, target] })), 401);
        }
      }
      await stage.redirect(307, `http://127.0.0.1:${stage.host.split(':')[1]}/v1.0/me`);
      assert.equal(await status(stage), 401);
      const carried = (entries) => entries.map((entry) => entry.authorization);
      assert.deepEqual(carried(await resourceEntries(other)), Array(10).fill(false));
      assert.deepEqual(carried(await stage.requests()), [...Array(11).fill(true), false]);
      assert.equal(await stage.refreshes(), 0, 'the token was not refused: it was not sent');
    });

    test('a refusal behind a redirect is met by the whole way again, if that does no harm', async (t) => {
      const stage = await Stage.loggedIn(t);
      const ways = async () => (await stage.requests()).map((entry) => `${entry.method} ${entry.path.slice(5)}`);
      await stage.redirect(307, `${stage.api}/me/events`);
      await stage.refuse('invalid_token', 1);
      assert.equal(await status(stage), 200);
      assert.deepEqual(await ways(), ['GET /me', 'GET /me/events', 'GET /me']);

      await stage.login(stage.broker);
      await stage.redirect(303, `${stage.api}/me/events`);
      await stage.refuse('invalid_token', 1);
      const init = { method: 'POST', body: 'x' };
      assert.equal(await status(stage, authorized(stage), `${stage.api}/me/messages`, init), 401);
      assert.deepEqual((await ways()).slice(3), ['POST /me/messages', 'GET /me/events']);
      assert.equal(await status(stage), 200);
      const [refused, next] = (await stage.tokens()).slice(4);
      assert.notEqual(next, refused, 'the next request has the new token');
    });

    test('a login that is required says what to do', async (t) => {
      const stage = await Stage.strangers(t);
      assert.match((await fails(status(stage), 'not_connected')).help, /tokenkeep login/);
      await stage.endGrant();
      assert.match((await fails(status(stage), 'login_required')).help, /tokenkeep login/);
      assert.deepEqual(await stage.requests(), []);
    });

    test('a signal gives the call up, whichever refresh is under way', async (t) => {
      const stage = await Stage.loggedIn(t);
      const reason = new Error('enough');
      for (const refuses of [false, true]) {
        for (const wrap of [(url, init) => [url, init], (url, init) => [new OwnRequest(url, init)]]) {
          const controller = new AbortController();
          const request = wrap(`${stage.api}/me`, { signal: controller.signal });
          const start = () => authorized(stage)(...request);
          await assert.rejects(stage.abortedRefresh(start, () => controller.abort(reason), { refuses }), reason);
          await assert.rejects(start(), reason);
          // A signal of null is none.
          if (request.length === 1) assert.equal(await status(stage, undefined, request[0], { signal: null }), 200);
        }
      }
    });
  });
}
