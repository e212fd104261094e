// What a broker answers: a token, and records without secrets. All are immutable.
//
// May not enter: a check, a default.

import type { InspectOptions, inspect } from 'node:util';

import { TokenkeepError, unlessFailed, type Failure, type LoginReason } from './errors.js';
import { native } from './loader.js';
import type { KeySource, SaslMechanism } from './options.js';
import { camelCased, date } from './values.js';

/**
 * An access token. It is opaque: what a server put into it is for the resource to read.
 *
 * Neither `console.log` nor JSON shows the secret.
 */
export class AccessToken {
  /** Seven lines, and the secret. Taken apart when somebody asks: most programs ask for one field of it. */
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** @internal */
  static of(text: string): AccessToken {
    return new AccessToken(text);
  }

  /** The provider that it is from. */
  get provider(): string {
    return this.#line(0);
  }

  /** The connection that it is from. */
  get connection(): string {
    return this.#line(1);
  }

  /** `Bearer` (RFC 6749 7.1); `DPoP` for a token that is bound to a key ({@link Broker.dpopProof}). */
  get tokenType(): string {
    return this.#line(2);
  }

  /** The name of the header that carries it: `Authorization`, but for some providers. */
  get headerName(): string {
    return this.#line(3);
  }

  /** When it ends; null when it does not expire. */
  get expiresAt(): Date | null {
    const seconds = this.#line(6).split(' ', 1)[0];
    return seconds ? date(Number(seconds)) : null;
  }

  /** What it grants. */
  get scopes(): readonly string[] {
    return Object.freeze(this.#line(6).split(' ').slice(1));
  }

  /** The resource that it is for (RFC 8707), when the server tells resources apart. */
  get resource(): string | null {
    return this.#line(5) || null;
  }

  /** The token itself. */
  get secret(): string {
    let start = 0;
    for (let line = 0; line < 7; line++) start = this.#text.indexOf('\n', start) + 1;
    return this.#text.slice(start);
  }

  /** The value of that header (RFC 6750 2.1, RFC 9449 7.1). */
  authorizationHeader(): string {
    const scheme = this.#line(4);
    return scheme ? `${scheme} ${this.secret}` : this.secret;
  }

  /**
   * The token itself, for a client that makes a bearer token of whatever it is given.
   *
   * @throws `unsupported` for one that is bound to a key, or that goes into another header.
   */
  bearer(): string {
    return unlessFailed(native.bearer(this.#text));
  }

  /**
   * The initial response of a SASL mechanism in base64, as IMAP, POP and SMTP take it after `AUTHENTICATE` or `AUTH`.
   * `user` is the mailbox.
   *
   * @throws `config_invalid` for a user that does not fit into it; and as {@link bearer}.
   */
  sasl(mechanism: SaslMechanism, user: string): string {
    return unlessFailed(native.sasl(mechanism, user, this.#text));
  }

  /** All but the secret. */
  toJSON(): Omit<AccessToken, 'secret' | 'authorizationHeader' | 'bearer' | 'sasl' | 'toJSON'> {
    const { provider, connection, tokenType, headerName, expiresAt, scopes, resource } = this;
    return { provider, connection, tokenType, headerName, expiresAt, scopes, resource };
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](_: number, options: InspectOptions, show: typeof inspect): string {
    return `AccessToken ${show(this.toJSON(), options)}`;
  }

  #line(number: number): string {
    return this.#text.split('\n', number + 1)[number]!;
  }
}

/** Whose grant a connection is. */
export interface Account {
  /** OIDC `sub`: unique and lasting within the issuer. */
  readonly subject: string | null;
  /** OIDC `iss` of the id_token. */
  readonly issuer: string | null;
  /** A name for people. */
  readonly username: string | null;
  /** Microsoft's `tid`: the tenant that signed the person in. */
  readonly tenantId: string | null;
  /** Microsoft's `oid`: the person within that tenant. */
  readonly objectId: string | null;
  /** Microsoft's `uid.utid`: the account itself, whichever tenant it visits. */
  readonly homeAccountId: string | null;
  /** True when the person is a guest of that tenant: their home is another one. */
  readonly guest: boolean;
}

/** What a connection holds for one resource, without the token. */
export interface HeldToken {
  /** The resource, at a provider that tells resources apart. */
  readonly resource: string | null;
  /** What it grants. */
  readonly scopes: readonly string[];
  /** When it ends; null when it does not expire. */
  readonly expiresAt: Date | null;
}

/** One connection, without its secrets. */
export interface Connection {
  /** The provider. */
  readonly provider: string;
  /** The connection's name. */
  readonly connection: string;
  readonly status: 'connected' | 'login_required';
  /** Why a login is required; null while the grant works. */
  readonly loginRequired: LoginReason | null;
  readonly account: Account;
  /** What was asked for. */
  readonly requestedScopes: readonly string[];
  /** What was granted. */
  readonly grantedScopes: readonly string[];
  /** What was asked for and not granted. */
  readonly missingScopes: readonly string[];
  /** When the access token at hand ends; null when it does not expire. */
  readonly expiresAt: Date | null;
  /** The access tokens at hand, one for each resource; the first is that of a call that names no scopes. */
  readonly accessTokens: readonly HeldToken[];
  /** True for app-only access: the grant is the client's own, and nobody logs in. */
  readonly application: boolean;
  /** When the client secret or certificate that the client proves itself with ends, where that is known. */
  readonly credentialExpiresAt: Date | null;
  /** What the client said that it can do (Microsoft). */
  readonly clientCapabilities: readonly string[];
  /** True when the access token can be replaced without the person. */
  readonly hasRefreshToken: boolean;
  /** The client that it was made with. */
  readonly clientId: string;
  /** The issuer, when it is known. */
  readonly issuer: string | null;
  /** The protected resource that it is for (RFC 8707). */
  readonly resource: string | null;
  /** What differs from customer to customer, as it was said at the login or learnt from the server. */
  readonly values: Readonly<Record<string, string>>;
  /** The hosts of the provider's API. */
  readonly apiHosts: readonly string[];
  /** True when its tokens are bound to a key (RFC 9449). */
  readonly dpop: boolean;
  /** Microsoft's tenant, as it was asked for. */
  readonly tenant: string | null;
  /** When the person logged in. */
  readonly loggedInAt: Date;
  /** When it was last refreshed. */
  readonly refreshedAt: Date | null;
}

/** What became of a connection. */
export interface ConnectionChange {
  /** It is there, since before the stream began or by a login; something of it is not what it was; or it is gone. */
  readonly kind: 'appeared' | 'changed' | 'disappeared';
  /** The connection as it now is; as it last was, when it is gone. */
  readonly connection: Connection;
}

/** All connections of a store. */
export interface Connections {
  /** Those that can be read, sorted by name. */
  readonly connections: readonly Connection[];
  /** One error for each file that cannot. They are kept. */
  readonly damaged: readonly TokenkeepError[];
}

/** A value that differs from customer to customer: `{NAME}` stands for it in an endpoint or a host. */
export interface ProviderValue {
  /** Its name, in `values` of a login and of a connection. */
  readonly name: string;
  /** What it is. */
  readonly description: string;
  /** What it is when nobody says. */
  readonly default: string | null;
  /** True when it is learnt from the server, and nobody is asked for it. */
  readonly learnt: boolean;
}

/** A provider that can be logged in to. */
export interface Provider {
  /** The name that people type. */
  readonly name: string;
  /** The name that people read. */
  readonly displayName: string;
  /** The environment variable that programs expect the access token in. */
  readonly accessTokenVariable: string;
  /** Where codes, tokens and client secrets go, as the definition names them. */
  readonly endpoints: readonly { readonly name: string; readonly url: string }[];
  /** The hosts of its API; `{NAME}` stands for a value. */
  readonly apiHosts: readonly string[];
  /** What differs from customer to customer. */
  readonly values: readonly ProviderValue[];
  /** How well public documentation bears out the definition. */
  readonly confidence: 'high' | 'medium' | 'low';
  /** Where the provider's own documentation is. */
  readonly documentation: string | null;
  /** Names for what people want, each with the scopes that it stands for. A list of scopes may hold them. */
  readonly presets: readonly { readonly name: string; readonly scopes: readonly string[] }[];
  /** True when the endpoints come from the metadata of the issuer that is named at login. */
  readonly discovery: boolean;
  /** Where its definition is from. */
  readonly origin: 'bundled' | 'user';
  /** The user's own file. */
  readonly file: string | null;
  /** Its definition, as the file has it. */
  readonly definition: string;
}

/** All providers. */
export interface Providers {
  /** Those whose definition can be read, sorted by name. */
  readonly providers: readonly Provider[];
  /** One error for each that cannot. */
  readonly damaged: readonly TokenkeepError[];
}

/** What a list of scopes comes to. */
export interface ScopeCheck {
  /** The scopes, with the provider's presets in it replaced by what they stand for. */
  readonly scopes: readonly string[];
  /** The resources that they are for, at a provider whose scopes name theirs. */
  readonly resources: readonly string[];
  /** What is odd. None of it stops a login that the provider would accept. */
  readonly findings: readonly ScopeFinding[];
}

/** One odd thing about a list of scopes. */
export interface ScopeFinding {
  /**
   * There would be no refresh token; another one in the list includes it; a token is for one resource; only an
   * administrator can consent to it; `.default` stands beside no other scope of a resource.
   */
  readonly kind:
    | 'offline_access_missing'
    | 'covered'
    | 'several_resources'
    | 'admin_consent_needed'
    | 'default_beside_others'
    | 'unknown_preset';
  /** The scopes that it is about. */
  readonly scopes: readonly string[];
  /** What it is, in a sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly help: string;
}

/** What one error code means. For people: no program branches on it. */
export interface Explanation {
  /** As it is searched for: `AADSTS65001`. */
  readonly code: string;
  /** Microsoft's short name of it. */
  readonly name: string;
  /** What happened, in a sentence. */
  readonly meaning: string;
  /** Who must act: `user`, `developer`, `administrator`, `service` or `nobody`. */
  readonly who: string;
  /** What they must do, in a sentence. */
  readonly remedy: string;
  /** What to type, where a command is part of it. Words in capitals are to be filled in. */
  readonly command: string | null;
}

/** A consent that is asked of an administrator. */
export interface AdminConsentRequest {
  /** Where to send the administrator. */
  readonly url: string;
  /** What the answer must carry: it ties the answer to this request. */
  readonly state: string;
  /** Where they are sent afterwards. */
  readonly redirectUri: string;
}

/** A consent that was given. */
export interface AdminConsent {
  /** The organization, as the answer has it. Anybody could have written it: it is no proof. */
  readonly tenant: string | null;
  /** What was consented to. */
  readonly scopes: readonly string[];
}

/** A stored client registration, without its secret. */
export interface Registration {
  readonly provider: string;
  /** The issuer that it is for, at a provider whose servers are discovered. */
  readonly issuer: string | null;
  readonly clientId: string;
  /** True when the server made it because it was asked to (RFC 7591). */
  readonly dynamic: boolean;
  /** True when a client secret is stored with it. */
  readonly hasClientSecret: boolean;
  readonly storedAt: Date;
}

/** What the removal of a stored client registration did. */
export interface RegistrationRemoval {
  readonly provider: string;
  /** The issuer that it was for, at a provider whose servers are discovered. */
  readonly issuer: string | null;
  /** What became of the client at the server: one that the user registered is `not_managed` from here. */
  readonly deletion: 'deleted' | 'not_managed' | 'failed';
  /** Why it failed. */
  readonly detail: string | null;
}

/** What a logout did. */
export interface LogoutOutcome {
  readonly provider: string;
  readonly connection: string;
  /** What became of the grant at the server. After `failed` it may still be good there. */
  readonly revocation: 'revoked' | 'already_ended' | 'not_supported' | 'failed';
  /** What a person can do, or why it failed. */
  readonly detail: string | null;
}

/** What was found at a store's home. */
export interface VaultState {
  /** The folder. */
  readonly home: string;
  /** The folders and files that exist, and how open they are. */
  readonly files: readonly { readonly path: string; readonly mode: number | null; readonly openToOthers: boolean }[];
  /** The vault's id, which names its keychain item. */
  readonly id: string | null;
  readonly keySource: KeySource | null;
  /** Whether the key can be had: there is no vault yet; it was found; it is a passphrase, for which nobody was asked. */
  readonly key: 'no_vault' | 'found' | 'asked' | 'missing';
  /** Why the key is missing. */
  readonly keyError: TokenkeepError | null;
  /** How many connections there are, readable or not. */
  readonly connections: number;
  /** How many client registrations there are. */
  readonly registrations: number;
  /** Damaged files that were kept aside. */
  readonly keptAside: readonly string[];
  /** Why there is no keychain; null when it answers. */
  readonly keychainError: TokenkeepError | null;
}

/** The members that are seconds since the epoch, those that are failures, and one whose names are not the core's. */
const TIMES = ['expires_at', 'credential_expires_at', 'logged_in_at', 'refreshed_at', 'stored_at'];
const FAILURES = ['damaged', 'key_error', 'keychain_error'];
const VALUES = 'values';

/** @internal A record as JavaScript has it: with its own names, with dates and errors, and frozen. */
export function record<T>(answered: unknown): T {
  if (typeof answered !== 'object' || answered === null) return answered as T;
  if (Array.isArray(answered)) return Object.freeze(answered.map((one) => record(one))) as T;
  return camelCased(answered, member) as T;
}

function member(name: string, value: unknown): unknown {
  if (TIMES.includes(name)) return date(value as number | null);
  if (FAILURES.includes(name)) return failures(value as Failure | Failure[] | null);
  // By the names that a provider's file gives them.
  if (name === VALUES && !Array.isArray(value)) return Object.freeze(value);
  return record(value);
}

function failures(value: Failure | Failure[] | null): TokenkeepError | readonly TokenkeepError[] | null {
  if (Array.isArray(value)) return Object.freeze(value.map((failure) => TokenkeepError.of(failure)));
  return value && TokenkeepError.of(value);
}
