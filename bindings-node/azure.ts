// A connection as a credential of the Azure SDK: `tokenkeep/azure`.
//
// May not enter: a decision about a token, which is the core's; and what is adapted, but for its types.

import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';

import type { Broker } from './broker.js';
import type { ConnectionOptions } from './options.js';

/** The last second of the year 9999, of a token that does not expire: the SDK wants a number. */
const NEVER = 253_402_300_799_000;

/**
 * A connection as a `TokenCredential` of `@azure/core-auth`: every client of the Azure SDK takes it.
 *
 * The scopes that a client asks for must be granted to the connection; `https://graph.microsoft.com/.default` stands
 * for all that was granted there. A claims challenge is met by one refresh with its claims.
 */
export class TokenkeepCredential implements TokenCredential {
  readonly #broker: Broker;
  readonly #provider: string;
  readonly #connection: ConnectionOptions;

  constructor(broker: Broker, provider: string, options: ConnectionOptions = {}) {
    this.#broker = broker;
    this.#provider = provider;
    const { connection, resource } = options;
    this.#connection = { connection, resource };
  }

  /**
   * A token that is granted `scopes`, and that was asked for with `claims`.
   *
   * The tenant was chosen at the login: `tenantId` changes nothing. Nor does `enableCae`: claims challenges are met in
   * any case.
   *
   * @throws As {@link Broker.token}.
   */
  async getToken(scopes: string | string[], options: GetTokenOptions = {}): Promise<AccessToken> {
    const { claims, abortSignal } = options;
    const token = await abortable(abortSignal, (signal) =>
      this.#broker.token(this.#provider, { ...this.#connection, scopes, claims, signal }),
    );
    const tokenType = token.tokenType as 'Bearer';
    return { token: token.bearer(), expiresOnTimestamp: token.expiresAt?.getTime() ?? NEVER, tokenType };
  }
}

/** `call` with a signal of Node's own. The SDK takes others too, of which less can be asked. */
async function abortable<T>(
  signal: GetTokenOptions['abortSignal'],
  call: (signal?: AbortSignal) => Promise<T>,
): Promise<T> {
  if (!signal || signal instanceof AbortSignal) return call(signal);
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await call(controller.signal);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
