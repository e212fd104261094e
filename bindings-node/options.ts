// What can be asked for. Whatever is left out is decided by the core: by the environment, by the earlier login,
// by the provider's definition.
//
// May not enter: a default.

import type { Interaction } from './interaction.js';

/** Scopes: a list, or one text with blanks between. */
export type Scopes = string | Iterable<string>;

/** How a person is logged in; by `client_credentials` nobody is, and the grant is the client's own. */
export type Flow = 'pkce' | 'device_code' | 'client_credentials';

/** How a mail server is told the token: `XOAUTH2`, which is Google's and Microsoft's, or `OAUTHBEARER` (RFC 7628). */
export type SaslMechanism = 'xoauth2' | 'oauthbearer';

/** Where the store keeps its key. */
export type KeySource = 'keychain' | 'passphrase' | 'file';

// Left out, or undefined by a program that has nothing to say: the same.
type Maybe<T> = T | undefined;

/** What a broker is opened with. */
export interface BrokerOptions {
  /** The store's folder; else `TOKENKEEP_HOME`, else the platform's data directory. */
  readonly home?: Maybe<string>;
  /** Where the store keeps its key; else `TOKENKEEP_KEY`, else what the store was made with. */
  readonly keySource?: Maybe<KeySource>;
  /** The passphrase of a store that wants one; else `TOKENKEEP_PASSPHRASE`. */
  readonly passphrase?: Maybe<string>;
  /** Seconds to wait for a connection that another process holds; else `TOKENKEEP_LOCK_WAIT`. */
  readonly lockWait?: Maybe<number>;
  /** Allows plain http to this machine, for tests; else `TOKENKEEP_INSECURE_LOOPBACK`. */
  readonly insecureLoopback?: Maybe<boolean>;
}

/** Which connection is meant. */
export interface ConnectionOptions {
  /** The connection's name, which tells two accounts of one provider apart. */
  readonly connection?: Maybe<string>;
  /** The address of a protected resource, an MCP server's for one: it names the connection where `connection` does not. */
  readonly resource?: Maybe<string>;
}

/** How a call is given up. */
export interface CallOptions {
  /** Rejects the promise with the signal's reason. A refresh that has begun goes on: what it brings is kept. */
  readonly signal?: Maybe<AbortSignal>;
}

/** What is wanted of a token that is at hand. */
export interface CachedTokenOptions extends ConnectionOptions {
  /**
   * Scopes that the token must hold, of one resource: at a provider that tells resources apart (Microsoft) they say
   * which one it is for. None are checked when left out.
   */
  readonly scopes?: Maybe<Scopes>;
  /** Seconds. The token is refreshed first when it is good for less than this. */
  readonly minLifetime?: Maybe<number>;
}

/** What is wanted of a token. */
export interface TokenOptions extends CachedTokenOptions, CallOptions {
  /** Refresh even when the token looks fresh, because a server would not have it. */
  readonly forceRefresh?: Maybe<boolean>;
  /** A token that a server would not have: any other will do. */
  readonly replaces?: Maybe<string>;
  /** The JSON of a claims challenge: a token that was not asked for with it is refreshed first. */
  readonly claims?: Maybe<string>;
  /** Microsoft: while the server is down, a token that has ended will do for as long as its resource still takes it. */
  readonly allowExtended?: Maybe<boolean>;
}

/** What an API answered with its 401. */
export interface RefusalOptions extends ConnectionOptions, CallOptions {
  /** The token that it refused. */
  readonly refused: string;
  /** The values of its `WWW-Authenticate` headers. */
  readonly wwwAuthenticate?: Maybe<string | Iterable<string>>;
  /** As for {@link TokenOptions}. */
  readonly scopes?: Maybe<Scopes>;
}

/** What is wanted of a login whose redirect the program receives itself. */
export interface BeginLoginOptions extends ConnectionOptions, CallOptions {
  /** What to ask for. The provider's presets stand for their scopes. */
  readonly scopes?: Maybe<Scopes>;
  /** In place of `scopes`: what to ask for beside what the connection was asked for before. */
  readonly addScopes?: Maybe<Scopes>;
  /** `login`, `consent`, `select_account` or `none` (OIDC Core 3.1.2.1), in place of the provider's own. */
  readonly prompt?: Maybe<string>;
  /** Whom the login page offers first. */
  readonly loginHint?: Maybe<string>;
  /** Microsoft: the domain of the organization that signs the person in, which spares them a page. */
  readonly domainHint?: Maybe<string>;
  /** The JSON of a claims challenge; the one that the connection's last refresh met when left out. */
  readonly claims?: Maybe<string>;
  /** Microsoft: what this client can do. `cp1` says that it answers claims challenges. */
  readonly clientCapabilities?: Maybe<readonly string[]>;
  /** Microsoft: who signs the person in. */
  readonly tenant?: Maybe<string>;
  /** Microsoft: which cloud. */
  readonly cloud?: Maybe<string>;
  /** The issuer to discover, for `oidc`. */
  readonly issuer?: Maybe<string>;
  /** What the resource answered a request with: the values of its `WWW-Authenticate` headers (RFC 9728 5.1). */
  readonly wwwAuthenticate?: Maybe<string | Iterable<string>>;
  /** What differs from customer to customer at this provider, by name: the subdomain, for one. */
  readonly values?: Maybe<Readonly<Record<string, string>>>;
  /** A client id metadata document that you have published: its address is the client id where the server takes one. */
  readonly clientMetadataUrl?: Maybe<string>;
  /** True to bind the tokens to a key (RFC 9449); as the provider or the resource wants it when left out. */
  readonly dpop?: Maybe<boolean>;
  /** The client to log in with. */
  readonly clientId?: Maybe<string>;
  /** Its secret, if it has one. */
  readonly clientSecret?: Maybe<string>;
  /** A private key in PEM, with its certificate or alone, by which the client proves itself instead (RFC 7523 2.2). */
  readonly certificate?: Maybe<string>;
  /** A file that holds the secret, or the key and its certificate if it has one. */
  readonly credentialFile?: Maybe<string>;
  /** An item of the system's keychain that holds them, as `SERVICE/ACCOUNT`. */
  readonly credentialKeychain?: Maybe<string>;
  /** The day that the secret ends: `2027-01-31`. A certificate says so itself. */
  readonly credentialExpires?: Maybe<string>;
  /** Where the answer is received. {@link Broker.beginLogin} needs it; a login on this machine chooses one. */
  readonly redirectUri?: Maybe<string>;
}

/** What is wanted of a login. */
export interface LoginOptions extends BeginLoginOptions {
  /** The flow; chosen by what this machine has when left out. */
  readonly flow?: Maybe<Flow>;
  /** True when the person's browser is elsewhere and its last address will be pasted. */
  readonly paste?: Maybe<boolean>;
  /** Seconds that the person gets. */
  readonly timeout?: Maybe<number>;
  /** How to talk to the person; at the terminal, as the command line does, when left out. */
  readonly interaction?: Maybe<Interaction>;
}

/** What a proof is for (RFC 9449 4.2). */
export interface DpopProofOptions extends ConnectionOptions {
  /** The method of the request. */
  readonly method: string;
  /** The address of the request. */
  readonly url: string | URL;
  /** The token that the request carries; the one at hand when left out. */
  readonly accessToken?: Maybe<string>;
  /** The `DPoP-Nonce` header of the resource's last answer; the last one that its origin gave when left out. */
  readonly nonce?: Maybe<string>;
}

/** Which stored client is meant. */
export interface RegistrationOptions {
  /** The issuer that it is registered with, for `oidc` and `mcp`. */
  readonly issuer?: Maybe<string>;
}

/** What is wanted of an administrator. What is left out is taken from the connection, then as in a login. */
export interface AdminConsentOptions extends ConnectionOptions {
  /** The organization: a GUID, a domain, or `organizations` for that of whoever signs in. */
  readonly tenant?: Maybe<string>;
  /** Microsoft: which cloud. */
  readonly cloud?: Maybe<string>;
  /** The client that is consented to. */
  readonly clientId?: Maybe<string>;
  /** What to consent to. */
  readonly scopes?: Maybe<Scopes>;
  /** Where the administrator is sent afterwards: one of the registration's. */
  readonly redirectUri?: Maybe<string>;
}

/** @internal One text of them. */
export function scopeText(scopes: Maybe<Scopes>): string | undefined {
  if (typeof scopes === 'string') return scopes;
  if (Array.isArray(scopes)) return scopes.join(' ');
  return scopes ? [...scopes].join(' ') : undefined;
}
