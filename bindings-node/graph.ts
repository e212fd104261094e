// A connection as the authentication of Microsoft's Graph client: `tokenkeep/graph`.
//
// May not enter: a decision about a token, which is the core's; and the client's own types, which want a browser's.

import type { Broker } from './broker.js';
import { TokenkeepError } from './errors.js';
import { scopeText, type ConnectionOptions, type Scopes } from './options.js';

/** Which token a client of Graph gets. */
export interface AuthenticationOptions extends ConnectionOptions {
  /** Scopes that the token must hold, when a request names none; none are checked when left out. */
  readonly scopes?: Scopes | undefined;
}

/**
 * A connection as an `AuthenticationProvider` of `@microsoft/microsoft-graph-client`, for its `initWithMiddleware`.
 *
 * The client sends the token to the hosts of Graph and to its own `customHosts`. It asks once for each request and
 * leaves a 401 to its caller; to have claims challenges met, send requests by `authorizedFetch` of `tokenkeep/fetch`.
 *
 * What fails is a `GraphError`, whose `code` is that of the {@link TokenkeepError}, and whose message has the help.
 */
export class TokenkeepAuthenticationProvider {
  readonly #broker: Broker;
  readonly #provider: string;
  readonly #connection: ConnectionOptions;
  readonly #scopes: string | undefined;

  constructor(broker: Broker, provider: string, options: AuthenticationOptions = {}) {
    this.#broker = broker;
    this.#provider = provider;
    const { connection, resource } = options;
    this.#connection = { connection, resource };
    this.#scopes = scopeText(options.scopes);
  }

  /** Called by the client for each request. @throws As {@link Broker.token}. */
  async getAccessToken(options: Pick<AuthenticationOptions, 'scopes'> = {}): Promise<string> {
    const scopes = options.scopes ?? this.#scopes;
    try {
      return (await this.#broker.token(this.#provider, { ...this.#connection, scopes })).bearer();
    } catch (error) {
      throw legible(error);
    }
  }
}

/** The client throws an error of its own: the name of this one becomes its `code`, and all else but the message is lost. */
function legible(error: unknown): unknown {
  if (error instanceof TokenkeepError) {
    error.name = error.code;
    error.message += `\n${error.help}`;
  }
  return error;
}
