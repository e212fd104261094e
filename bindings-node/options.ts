// What can be asked for. Whatever is left out is decided by the core: by the environment, by the earlier login,
// by the provider's definition.
//
// May not enter: a default.

import type { Interaction } from './interaction.js';

/** Scopes: a list, or one text with blanks between. */
export type Scopes = string | Iterable<string>;

/** How a person is logged in. */
export type Flow = 'pkce' | 'device_code';

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
}

/** How a call is given up. */
export interface CallOptions {
  /** Rejects the promise with the signal's reason. A refresh that has begun goes on: what it brings is kept. */
  readonly signal?: Maybe<AbortSignal>;
}

/** What is wanted of a token that is at hand. */
export interface CachedTokenOptions extends ConnectionOptions {
  /** Scopes that the token must hold; none are checked when left out. */
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
  /** What to ask for. */
  readonly scopes?: Maybe<Scopes>;
  /** Microsoft: who signs the person in. */
  readonly tenant?: Maybe<string>;
  /** Microsoft: which cloud. */
  readonly cloud?: Maybe<string>;
  /** The issuer to discover, for `oidc`. */
  readonly issuer?: Maybe<string>;
  /** The client to log in with. */
  readonly clientId?: Maybe<string>;
  /** Its secret, if it has one. */
  readonly clientSecret?: Maybe<string>;
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

/** @internal One text of them. */
export function scopeText(scopes: Maybe<Scopes>): string | undefined {
  if (typeof scopes === 'string') return scopes;
  if (Array.isArray(scopes)) return scopes.join(' ');
  return scopes ? [...scopes].join(' ') : undefined;
}
