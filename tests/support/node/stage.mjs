// A scripted server, a store whose provider points at it, and a person who logs in.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Home } from './home.mjs';
import { program, root, run } from './process.mjs';
import { Server } from './server.mjs';

/** A client id that Entra takes: any GUID is one. */
const CLIENT_ID = '5f1ad2a6-3c44-4d6c-9d0b-7f6f2a1e9c55';

/** A server, a home, and a provider between them. */
export class Stage {
  constructor(server, provider, named, home = new Home()) {
    this.home = home;
    this.server = server;
    /** The provider's name. */
    this.provider = provider;
    /** What a first login has to name besides. */
    this.named = named;
  }

  /** A provider of the user's own, for a strict server that rotates and detects reuse. */
  static async acme(...options) {
    const stage = new this(await Server.start(...options), 'acme', {});
    return stage.#add(acmeDefinition(stage.server.origin));
  }

  /** Microsoft: the bundled definition with this server as its cloud. */
  static async microsoft(...options) {
    const stage = new this(await Server.start('--dialect', 'entra', ...options), 'microsoft', { clientId: CLIENT_ID });
    const bundled = readFileSync(join(root, 'core/providers/microsoft.toml'), 'utf8');
    const global = 'global = "https://login.microsoftonline.com"';
    if (!bundled.includes(global)) throw new Error(bundled);
    return stage.#add(bundled.replace(global, `global = "${stage.server.origin}"`));
  }

  /**
   * Microsoft by the names of its own hosts: the bundled definition as it is, and a proxy to a server that an authority
   * of the test's own vouches for. `network` leads there.
   */
  static async internet(...options) {
    const home = new Home();
    const names = ['login.microsoftonline.com', 'graph.microsoft.com'].flatMap((name) => ['--tls-name', name]);
    const asked = ['--dialect', 'entra', '--proxy', '--tls-directory', home.path, ...names, ...options];
    return new this(await Server.start(...asked), 'microsoft', { clientId: CLIENT_ID }, home);
  }

  /** The variables that lead to the hosts of `internet`. */
  get network() {
    return { HTTPS_PROXY: this.server.proxy, SSL_CERT_FILE: join(this.home.path, 'ca.pem') };
  }

  async #add(definition) {
    const added = await this.home.tokenkeep('providers', 'add', this.home.write('provider.toml', definition));
    if (added.code !== 0) throw new Error(added.stderr);
    return this;
  }

  /** The options of a broker on this stage. */
  get options() {
    return this.home.options;
  }

  /** An interaction whose person does what is asked of them. */
  person = { openUrl: (url) => visit(url) };

  /** Logs in through `broker`, to the end. */
  login(broker, options = {}) {
    return broker.login(this.provider, { ...this.named, interaction: this.person, ...options });
  }

  /** Logs in, and leaves a token that has expired already; the next ones live for an hour. */
  async loginExpired(broker, options = {}) {
    await this.server.change({ access_token_lifetime: 0 });
    const connection = await this.login(broker, options);
    await this.server.change({ access_token_lifetime: 3600 });
    return connection;
  }

  /** The end of it. */
  async stop() {
    await this.server.stop();
    this.home.remove();
  }
}

/** Opens an authorization URL as a browser and a person would. */
async function visit(url) {
  const visited = await run(program('stand-in-person'), [url]);
  if (visited.code !== 0) throw new Error(visited.stderr);
}

function acmeDefinition(origin) {
  return `schema = 1
name = "acme"
display_name = "Acme"
access_token_variable = "ACME_ACCESS_TOKEN"
[endpoints]
authorization = "${origin}/authorize"
token = "${origin}/token"
device_authorization = "${origin}/device_authorization"
revocation = "${origin}/revoke"
issuer = "${origin}"
[client]
id = "public"
[scopes]
default = ["read", "write"]
always = ["offline_access"]
`;
}
