// What the tests of the adapters share: a person who is logged in, an API that takes tokens, and what it was sent.
//
// The API is the scripted server's corner of Microsoft Graph.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Broker, TokenkeepError } from 'tokenkeep';
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { Server, Stage as SharedStage, until } from '../../support/node/index.mjs';

export const GRAPH_SCOPE = 'https://graph.microsoft.com/.default';
export const CLAIMS = { access_token: { nbf: { essential: true, value: '1700000000' } } };

/** A server, and a store that is logged in to it. It ends with the test `t`. */
export class Stage extends SharedStage {
  broker = new Broker(this.options);
  /** Where the API is. */
  host = new URL(this.server.origin).host;
  api = `${this.server.origin}/v1.0`;

  /** A server that nobody has logged in to. */
  static async strangers(t, ...options) {
    const stage = await this.microsoft(...options);
    t.after(() => stage.stop());
    return stage;
  }

  /** A server that somebody is logged in to. */
  static async loggedIn(t, ...options) {
    const stage = await this.strangers(t, ...options);
    await stage.login(stage.broker);
    return stage;
  }

  /** A server of whose API, at `host`, the tokens go into a header of its own. Somebody is logged in to it. */
  static async ownHeader(t, host) {
    const stage = await this.acme();
    t.after(() => stage.stop());
    const { definition } = await stage.broker.provider('acme');
    stage.plain = definition;
    const carried = `[api]\nhosts = ["${host}"]\nheader = "X-Acme-Token"\nscheme = ""\n`;
    await stage.broker.addProvider(stage.home.write('own.toml', definition + carried));
    await stage.login(stage.broker);
    return stage;
  }

  /** The same by https, which Microsoft's clients insist on. `ca` vouches for it, and this process believes it. */
  static async secure(t) {
    const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-test-'));
    t.after(() => rmSync(folder, { recursive: true, maxRetries: 10, retryDelay: 100 }));
    const stage = await this.strangers(t, '--tls-directory', folder);
    const authority = join(folder, 'ca.pem');
    stage.ca = readFileSync(authority, 'utf8');
    process.env.SSL_CERT_FILE = authority;
    t.after(() => delete process.env.SSL_CERT_FILE);
    const [before, believer] = [getGlobalDispatcher(), new Agent({ connect: { ca: stage.ca } })];
    setGlobalDispatcher(believer);
    t.after(() => (setGlobalDispatcher(before), believer.close()));
    await stage.login(stage.broker);
    return stage;
  }

  /** The token has expired, and the grant has ended. */
  async endGrant() {
    await this.loginExpired(this.broker);
    await this.server.control('POST', 'revoke-all');
  }

  /** The connection's token. */
  async token(options) {
    return (await this.broker.token(this.provider, options)).secret;
  }

  /** The API refuses every token given so far. */
  expire() {
    return this.server.control('POST', 'expire');
  }

  /** What the API was sent. */
  async requests() {
    return resourceEntries(this.server);
  }

  /** What it answered. */
  async statuses() {
    return (await this.requests()).map((entry) => entry.outcome.status);
  }

  /** The fingerprints of the tokens that it was sent. */
  async tokens() {
    return (await this.requests()).map((entry) => entry.parameters.access_token);
  }

  /** How many refreshes there were. */
  async refreshes() {
    return (await this.server.refreshes()).length;
  }

  /** The claims of the refreshes. */
  async claims() {
    return (await this.server.refreshes()).map((entry) => JSON.parse(entry.parameters.claims));
  }

  /** The next request that arrives at the API meets this. */
  atApi(action, where = {}) {
    return this.server.pushFault({ endpoint: 'resource', action, ...where });
  }

  /** The API sends the next request elsewhere. */
  redirect(status, location) {
    return this.atApi({ type: 'redirect', status, location });
  }

  /** The API refuses so many requests, whatever the token. */
  refuse(error, times) {
    const challenges = ['Basic realm="x"', `Bearer error="${error}"`].map((value) => ['WWW-Authenticate', value]);
    const headers = [['Content-Type', 'application/json'], ...challenges];
    const body = JSON.stringify({ error: { code: 'Refused', message: "the API's own words" } });
    return this.atApi({ type: 'reply', status: 401, headers, body }, { times });
  }

  /** From now on the API wants tokens that were asked for with the claims. `beside` are headers before that one. */
  challenge(...beside) {
    return this.atApi({ type: 'challenge', claims: CLAIMS, beside });
  }

  /** The next refresh can be met by a person alone. */
  needPerson() {
    return this.server.atRefresh({ type: 'error', error: 'interaction_required', claims: JSON.stringify(CLAIMS) });
  }

  /** A call that `abort` gives up while it has a token refreshed: one that has expired, or that the API `refuses`. */
  async abortedRefresh(start, abort, { refuses = false } = {}) {
    await (refuses ? this.login(this.broker) : this.loginExpired(this.broker));
    if (refuses) await this.expire();
    await this.server.atRefresh({ type: 'delay', milliseconds: 1_000 });
    const call = start();
    // Looked at only after the wait.
    call.catch(() => {});
    await until(() => this.server.faultsAreSpent());
    const given = performance.now();
    abort();
    try {
      return await call;
    } finally {
      assert.ok(performance.now() - given < 500, 'it waited for the refresh');
    }
  }
}

/** An API of somebody else's. It ends with the test `t`. */
export async function elsewhere(t) {
  const server = await Server.start('--dialect', 'entra');
  t.after(() => server.stop());
  return server;
}

/** An API that shows what it was sent: `requests`, and answers with the next of `answers`. It ends with the test `t`. */
export async function startApi(t) {
  const [requests, answers] = [[], []];
  const server = createServer((request, response) => {
    requests.push(request);
    const { status = 200, ...headers } = answers.shift() ?? {};
    request.resume().on('end', () => response.writeHead(status, headers).end());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => (server.closeAllConnections(), server.close()));
  const host = `127.0.0.1:${server.address().port}`;
  const sent = (name) => requests.map((request) => request.headers[name]);
  return { host, url: `http://${host}/items`, requests, answers, sent };
}

/** What the API at `server` was sent. */
export async function resourceEntries(server) {
  return (await server.journal()).entries.filter((entry) => entry.endpoint === 'resource');
}

/** A token as the journal has it. */
export function fingerprint(token) {
  return `sha256:${createHash('sha256').update(token).digest('hex').slice(0, 12)}`;
}

/** The error that `promise` fails with, which is a `TokenkeepError` of this code. */
export async function fails(promise, code) {
  const error = await promise.then(
    () => assert.fail(`${code} was expected`),
    (reason) => reason,
  );
  assert.ok(error instanceof TokenkeepError, error);
  assert.equal(error.code, code);
  return error;
}
