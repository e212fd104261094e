// `fetch` with a connection's token: `tokenkeep/fetch`.
//
// May not enter: a decision about a token, a refusal or a host. Those are the core's.

import type { Broker } from './broker.js';
import { AllowedHosts } from './hosts.js';
import { scopeText, type ConnectionOptions, type Scopes } from './options.js';
import type { AccessToken } from './records.js';

type Fetch = typeof globalThis.fetch;
type Redirect = Request['redirect'];

/** Which token is sent, and where it may go. */
export interface AuthorizedFetchOptions extends ConnectionOptions {
  /** The hosts that the token may be sent to, as {@link AllowedHosts} takes them; {@link Broker.allowedHosts} when left out. */
  readonly allowedHosts?: string | Iterable<string> | undefined;
  /** Scopes that the token must hold; none are checked when left out. */
  readonly scopes?: Scopes | undefined;
  /** What sends the requests; Node's own when left out. A redirect to another origin must not carry the token. */
  readonly fetch?: Fetch | undefined;
}

/**
 * A `fetch` that sends a connection's token with every request, to the hosts of `allowedHosts` alone.
 *
 * A request to another host is rejected with `config_invalid` and not sent. A redirect is followed as `fetch` does it:
 * without the token once it leaves the origin. That of a request whose token has a header of its own is not followed: the
 * answer is the caller's.
 *
 * A request that is answered 401 is repeated once, with the token of {@link Broker.tokenAfterRefusal}; when there is
 * none, the answer is the caller's. So it is when the body was a stream, or that of a `Request`, which is not at hand
 * any more, and when a redirect led to the refusal of anything but a GET or HEAD; the next request has the new token.
 * A token that is bound to a key has its proof beside it, with the nonce that the API wants in it. Whatever else fails is
 * what {@link Broker.token} or `fetch` throws.
 */
export function authorizedFetch(broker: Broker, provider: string, options: AuthorizedFetchOptions = {}): Fetch {
  const { connection, resource, fetch: send = globalThis.fetch } = options;
  const named = options.allowedHosts === undefined ? undefined : new AllowedHosts(options.allowedHosts);
  const scopes = scopeText(options.scopes);
  const asked = { connection, resource };

  return async (input, init) => {
    const request = typeof input === 'object' && 'url' in input ? input : undefined;
    const url = new URL(request ? request.url : String(input));
    const hosts = named ?? (await broker.allowedHosts(provider, asked));
    hosts.require(url);
    const signal = (init?.signal === undefined ? request?.signal : init.signal) ?? undefined;
    const authorized = async (token: AccessToken, nonce?: string) => {
      const headers = new Headers(init?.headers ?? request?.headers);
      headers.set(token.headerName, token.authorizationHeader());
      if (token.tokenType === 'DPoP') {
        const { connection, secret: accessToken } = token;
        const method = methodOf(request, init);
        headers.set('dpop', await broker.dpopProof(token.provider, { connection, method, url, accessToken, nonce }));
      }
      const redirect = redirectOf(token, request, init);
      // What was judged is what is sent: a URL may be changed meanwhile.
      return send(request ?? url.href, { ...init, headers, redirect });
    };

    const token = await broker.token(provider, { ...asked, scopes, signal });
    const response = await authorized(token);
    if (!refuses(response, url)) return response;
    const wwwAuthenticate = response.headers.get('www-authenticate') ?? [];
    const refused = { refused: token.secret, wwwAuthenticate, ...asked, scopes, signal };
    const another = await broker.tokenAfterRefusal(provider, refused);
    if (!another || !canBeRepeated(response, request, init)) return response;
    // Nobody reads it, and its connection is not kept waiting for that.
    await response.body?.cancel();
    // RFC 9449 9: what the API wants in the next proof.
    return authorized(another, response.headers.get('dpop-nonce') ?? undefined);
  };
}

/** `fetch` takes `Authorization` off where a redirect leaves the origin, and no other header. */
function redirectOf(token: AccessToken, request: Request | undefined, init: RequestInit | undefined): Redirect {
  const wanted = init?.redirect ?? request?.redirect ?? 'follow';
  return wanted === 'follow' && token.headerName.toLowerCase() !== 'authorization' ? 'manual' : wanted;
}

/** As `fetch` sends it, which writes some in capitals. */
function methodOf(request: Request | undefined, init: RequestInit | undefined): string {
  return new Request('http://localhost', { method: init?.method ?? request?.method ?? 'GET' }).method;
}

/** False for the 401 of one who did not get the token, because a redirect led there. */
function refuses(response: Response, url: URL): boolean {
  return response.status === 401 && (!response.redirected || new URL(response.url).origin === url.origin);
}

/** A redirect hides what was refused in the end: the request that led there may have been obeyed already. */
function canBeRepeated(response: Response, request: Request | undefined, init: RequestInit | undefined): boolean {
  const body = init?.body ?? request?.body;
  const isAtHand = typeof body !== 'object' || body === null || !(Symbol.asyncIterator in body);
  return isAtHand && (!response.redirected || ['GET', 'HEAD'].includes(methodOf(request, init)));
}
