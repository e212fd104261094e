// Where a token may go.
//
// May not enter: the reading of an address. It comes as `URL` has read it, which is what `fetch` connects to.

import { unlessFailed } from './errors.js';
import { native } from './loader.js';
import type * as Native from './native.js';

/** The parts of a `URL` that say where a request goes. */
export type Destination = Pick<URL, 'protocol' | 'hostname' | 'port'>;

/**
 * The hosts that a token may be sent to. `graph.microsoft.com` is that host; `*.sharepoint.com` is any host under it;
 * `127.0.0.1:8080` names the port too, which is else the scheme's own.
 */
export class AllowedHosts {
  readonly #native: Native.ExternalObject<Native.AllowedHosts>;

  /** @throws `config_invalid` for what is no host, for a whole URL among them, and for none at all. */
  constructor(hosts: string | Iterable<string>) {
    this.#native = unlessFailed(native.allowedHosts(typeof hosts === 'string' ? [hosts] : [...hosts]));
  }

  /** Whether a request with the token may be sent there: by https, or by http to this machine. */
  allow(url: Destination): boolean {
    return native.allow(this.#native, ...parts(url));
  }

  /** @throws `config_invalid` where it may not. */
  require(url: Destination): void {
    unlessFailed(native.requireAllowed(this.#native, ...parts(url)));
  }
}

function parts({ protocol, hostname, port }: Destination): [scheme: string, host: string, port?: number] {
  const scheme = protocol.slice(0, -1);
  return port === '' ? [scheme, hostname] : [scheme, hostname, Number(port)];
}
