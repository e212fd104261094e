// The stage of the scenarios: a scripted server, a store whose provider points at it, and a person with a browser.
//
//   | file            | holds                                                           |
//   |-----------------|-----------------------------------------------------------------|
//   | `stage.mjs`     | `Stage`: the server, the store, a broker between them           |
//   | `under_way.mjs` | a login that waits for its person                               |
//   | `person.mjs`    | what a person and a browser do, for tests that look at each step |
//   | `failure.mjs`   | how a call says that it failed                                  |
//   | `elsewhere.mjs` | another process, which asks for tokens of the same store        |
//
// The scenarios are in `*.test.mjs`, one file per theme; `../scenarios.md` names them. The same scenario has the same
// name in every language.
//
// May not enter: a sleep. What is waited for is a callback, an end, or an entry in the server's journal.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { Broker } from 'tokenkeep';
import { Server, Stage as SharedStage, until } from '../../support/node/index.mjs';
import * as person from './person.mjs';
import { UnderWay } from './under_way.mjs';

export { until } from '../../support/node/index.mjs';
export { Elsewhere } from './elsewhere.mjs';
export { fails } from './failure.mjs';
export * as person from './person.mjs';
export { isClosed } from './under_way.mjs';

/** A client id that Entra takes: any GUID is one. */
export const CLIENT_ID = '5f1ad2a6-3c44-4d6c-9d0b-7f6f2a1e9c55';

/** A server, a store, and a provider between them. It ends with the test `t`. */
export class Stage extends SharedStage {
  #broker = this.broker();
  #logins = [];

  /** Microsoft: the bundled definition with this server as its cloud. `options` are the server's. */
  static async microsoft(t, ...options) {
    return (await super.microsoft(...options)).#endsWith(t);
  }

  /** Microsoft by the names of its own hosts, for whoever has `network` in the environment. */
  static async internet(t) {
    return (await super.internet()).#endsWith(t);
  }

  /** A provider file of the user's own, for a strict server that rotates and detects reuse. */
  static async acme(t, ...options) {
    return (await super.acme(...options)).#endsWith(t);
  }

  /** Any server with published metadata, through its issuer. */
  static async oidc(t, ...options) {
    const server = await Server.start(...options);
    return new Stage(server, 'oidc', { clientId: 'public', issuer: server.issuer }).#endsWith(t);
  }

  /**
   * An MCP server, through whose metadata a client finds the server, where it registers itself and binds its tokens to a
   * key if it likes.
   */
  static async mcp(t, ...options) {
    const offered = JSON.stringify({ registration: { enabled: true }, dpop: { mode: 'on' } });
    const server = await Server.start('--options', offered, ...options);
    return new Stage(server, 'mcp', { resource: `${server.origin}/mcp` }).#endsWith(t);
  }

  #endsWith(t) {
    t.after(async () => {
      for (const login of this.#logins) login.abort();
      await this.stop();
    });
    return this;
  }

  /** Another broker in the same store: what another program would have. */
  broker(options = {}) {
    return new Broker({ ...this.options, ...options });
  }

  /** The provider's file, as the user has added it. */
  get definition() {
    return readFileSync(join(this.home.path, 'provider.toml'), 'utf8');
  }

  /** Logs in with the browser, to the end. `options.deny` is a person who says no. */
  async login({ deny = false, ...options } = {}) {
    let visited;
    // Like a browser that was started: nobody waits for it to be closed.
    const openUrl = (url) => void (visited = person.visit(url, ...(deny ? ['--deny'] : [])));
    try {
      return await this.#broker.login(this.provider, this.loginOptions({ interaction: { openUrl }, ...options }));
    } finally {
      await visited;
    }
  }

  /** Begins a login whose URL or code the test takes care of. */
  async beginLogin({ interaction, ...options } = {}) {
    const begin = (way) => this.#broker.login(this.provider, this.loginOptions({ ...options, ...way }));
    const login = await UnderWay.wait(begin, interaction);
    this.#logins.push(login);
    return login;
  }

  /** The options of a login: these, and what a first login has to name. Nobody waits for a person for minutes. */
  loginOptions(options) {
    return { flow: 'pkce', timeout: 60, ...this.named, ...options };
  }

  /** Logs in, and leaves a token that has expired already; the next ones live for an hour. */
  async loginExpired(options) {
    await this.change({ access_token_lifetime: 0 });
    await this.login(options);
    await this.change({ access_token_lifetime: 3600 });
  }

  /** Goes on with another broker, opened with these options. */
  reopen(options) {
    this.#broker = this.broker(options);
  }

  /** The connection's `AccessToken`. */
  token(options) {
    return this.#broker.token(this.provider, options);
  }

  /** The token itself. */
  async accessToken(options) {
    return (await this.token(options)).secret;
  }

  /** The connection, as it is shown. */
  connection(options) {
    return this.#broker.connection(this.provider, options);
  }

  /** Ends the connection. */
  logout(options) {
    return this.#broker.logout(this.provider, options);
  }

  /** Ends every grant at the server. */
  revokeAll() {
    return this.server.control('POST', 'revoke-all');
  }

  /** Changes the server's options from the next request on, in its own words. */
  change(options) {
    return this.server.change(options);
  }

  /** The next `times` refreshes meet this fault. */
  atRefresh(action, times = 1) {
    return this.fault({ endpoint: 'token', grant_type: 'refresh_token', times, action });
  }

  /** The next `times` codes that are redeemed meet this fault. */
  atRedemption(action, times = 1) {
    return this.fault({ endpoint: 'token', grant_type: 'authorization_code', times, action });
  }

  /** A fault, as a script has it. */
  fault(fault) {
    return this.server.pushFault(fault);
  }

  /** Waits until the faults that were pushed have met their requests, of which the last is then being answered. */
  untilAFaultStruck() {
    return until(() => this.server.faultsAreSpent());
  }

  /** What the server was asked: `{ entries, grants, reuse_count, revoked_count, poll_gaps }`. */
  journal() {
    return this.server.journal();
  }

  /** The hosts that the proxy was asked for. */
  async tunnels() {
    return (await this.journal()).tunnels;
  }

  /** The requests to this endpoint. */
  async entries(endpoint) {
    const { entries } = await this.journal();
    return endpoint ? entries.filter((entry) => entry.endpoint === endpoint) : entries;
  }

  /** What the server was asked with this grant type. */
  asked(grantType) {
    return this.server.asked(grantType);
  }

  /** The refreshes that the server was asked for. */
  refreshes() {
    return this.server.refreshes();
  }

  /**
   * The resource that the tokens are for: of `mcp` the one that was logged in to, else one that takes every token of the
   * server.
   */
  get resourceUrl() {
    return `${this.server.origin}/${this.provider === 'mcp' ? 'mcp' : 'resource'}`;
  }

  /** The status of the resource with this token: 200 while it works. */
  resource(accessToken) {
    return this.server.resource(accessToken, this.resourceUrl);
  }

  /** The sealed records, by name and content. What locks leave behind is not among them. */
  records() {
    const folder = join(this.home.store, 'records');
    let names;
    try {
      names = readdirSync(folder);
    } catch (error) {
      if (error.code === 'ENOENT') return [];
      throw error;
    }
    return names.sort().map((name) => [name, readFileSync(join(folder, name), 'base64')]);
  }
}
