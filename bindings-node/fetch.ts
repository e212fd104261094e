// `fetch` with a connection's token: `tokenkeep/fetch`.
//
// May not enter: a decision about a token, a refusal or a host. Those are the core's.

import type { Broker } from './broker.js';
import { AllowedHosts } from './hosts.js';
import { scopeText, type ConnectionOptions, type Scopes } from './options.js';
import type { AccessToken } from './records.js';

type Fetch = typeof globalThis.fetch;

/** Which token is sent, and where it may go. */
export interface AuthorizedFetchOptions extends ConnectionOptions {
  /** The hosts that the token may be sent to, as {@link AllowedHosts} takes them. */
  readonly allowedHosts: string | Iterable<string>;
  /** Scopes that the token must hold; none are checked when left out. */
  readonly scopes?: Scopes | undefined;
  /** What sends the requests; Node's own when left out. A redirect to another origin must not carry the token. */
  readonly fetch?: Fetch | undefined;
}

/**
 * A `fetch` that sends a connection's token with every request, to the hosts of `allowedHosts` alone.
 *
 * A request to another host is rejected with `config_invalid` and not sent. A redirect is followed as `fetch` does it:
 * without the token once it leaves the origin.
 *
 * A request that is answered 401 is repeated once, with the token of {@link Broker.tokenAfterRefusal}; when there is
 * none, the answer is the caller's. So it is when the body was a stream, or that of a `Request`, which is not at hand
 * any more, and when a redirect led to the refusal of anything but a GET or HEAD; the next request has the new token.
 * Whatever else fails is what {@link Broker.token} or `fetch` throws.
 */
export function authorizedFetch(broker: Broker, provider: string, options: AuthorizedFetchOptions): Fetch {
  const { connection, fetch: send = globalThis.fetch } = options;
  const hosts = new AllowedHosts(options.allowedHosts);
  const scopes = scopeText(options.scopes);

  return async (input, init) => {
    const request = typeof input === 'object' && 'url' in input ? input : undefined;
    const url = new URL(request ? request.url : String(input));
    hosts.require(url);
    const signal = (init?.signal === undefined ? request?.signal : init.signal) ?? undefined;
    const authorized = (token: AccessToken) => {
      const headers = new Headers(init?.headers ?? request?.headers);
      headers.set('authorization', token.authorizationHeader());
      // What was judged is what is sent: a URL may be changed meanwhile.
      return send(request ?? url.href, { ...init, headers });
    };

    const token = await broker.token(provider, { connection, scopes, signal });
    const response = await authorized(token);
    if (!refuses(response, url)) return response;
    const wwwAuthenticate = response.headers.get('www-authenticate') ?? [];
    const refused = { refused: token.secret, wwwAuthenticate, connection, scopes, signal };
    const another = await broker.tokenAfterRefusal(provider, refused);
    if (!another || !canBeRepeated(response, request, init)) return response;
    // Nobody reads it, and its connection is not kept waiting for that.
    await response.body?.cancel();
    return authorized(another);
  };
}

/** False for the 401 of one who did not get the token, because a redirect led there. */
function refuses(response: Response, url: URL): boolean {
  return response.status === 401 && (!response.redirected || new URL(response.url).origin === url.origin);
}

/** A redirect hides what was refused in the end: the request that led there may have been obeyed already. */
function canBeRepeated(response: Response, request: Request | undefined, init: RequestInit | undefined): boolean {
  const body = init?.body ?? request?.body;
  const method = init?.method ?? request?.method ?? 'GET';
  const isAtHand = typeof body !== 'object' || body === null || !(Symbol.asyncIterator in body);
  return isAtHand && (!response.redirected || ['GET', 'HEAD'].includes(method.toUpperCase()));
}
