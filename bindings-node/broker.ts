// The broker: converts, calls the native half, converts back.
//
// May not enter: a default, a check, a retry, a clock. They are the core's.

import { Asked } from './asked.js';
import { outcome } from './calls.js';
import { unlessFailed } from './errors.js';
import { AllowedHosts } from './hosts.js';
import { Talk } from './interaction.js';
import { native } from './loader.js';
import type * as Native from './native.js';
import { scopeText } from './options.js';
import type {
  AdminConsentOptions,
  BeginLoginOptions,
  BrokerOptions,
  CachedTokenOptions,
  CallOptions,
  ConnectionOptions,
  DpopProofOptions,
  LoginOptions,
  RefusalOptions,
  RegistrationOptions,
  Scopes,
  TokenOptions,
} from './options.js';
import { AccessToken, record } from './records.js';
import type {
  AdminConsent,
  AdminConsentRequest,
  Connection,
  ConnectionChange,
  Connections,
  Explanation,
  LogoutOutcome,
  Provider,
  Providers,
  Registration,
  RegistrationRemoval,
  ScopeCheck,
  VaultState,
} from './records.js';
import { snakeCased } from './values.js';

/** A login that has begun: the person is at the provider, the answer comes by another way. */
export class PendingLogin {
  readonly #native: Native.ExternalObject<Native.Pending>;

  private constructor(pending: Native.ExternalObject<Native.Pending>) {
    this.#native = pending;
  }

  /** @internal */
  static of(pending: Native.ExternalObject<Native.Pending>): PendingLogin {
    return new PendingLogin(pending);
  }

  /** @internal */
  static native(pending: PendingLogin): Native.ExternalObject<Native.Pending> {
    return pending.#native;
  }

  /** Where to send the person. */
  get authorizationUrl(): string {
    return native.authorizationUrl(this.#native);
  }
}

/**
 * Logs a person in, keeps the grant, and hands out fresh access tokens.
 *
 * To make one touches no file and no keychain; the store is opened by the first call that needs it. What fails is a
 * {@link TokenkeepError}.
 */
export class Broker {
  readonly #native: Native.ExternalObject<Native.Broker>;
  /** True once the store is open: to look into it then blocks for no longer than a file takes to read. */
  #open = false;
  /** What was asked for last, which is mostly what is asked for next. */
  #asked: Asked | undefined;

  /** @throws `config_invalid` when an option or an environment variable is not of its form. */
  constructor(options: BrokerOptions = {}) {
    this.#native = unlessFailed(native.open(snakeCased(options)));
  }

  /** The store's folder. */
  get home(): string {
    return native.home(this.#native);
  }

  /**
   * Logs a person in and keeps the grant. A connection of the same name is replaced.
   *
   * @throws `registration_missing`, `unsupported`, `access_denied`, `consent_required`, `admin_consent_required`,
   * `login_cancelled`, `login_timed_out`, `provider_rejected`, `network`, and those of the store.
   */
  async login(provider: string, options: LoginOptions = {}): Promise<Connection> {
    const { signal, interaction, ...rest } = options;
    const asked = wanted(rest, provider);
    const talk = new Talk(interaction);
    const made = await outcome((call) => native.login(call, this.#native, asked, talk.conversation), signal, talk);
    return record(made);
  }

  /**
   * The first half of a login for a program that receives the redirect itself, at `redirectUri`: where to send the
   * person.
   *
   * @throws As {@link login}, as far as nobody was asked.
   */
  async beginLogin(provider: string, options: BeginLoginOptions): Promise<PendingLogin> {
    const { signal, ...rest } = options;
    const asked = wanted(rest, provider);
    return PendingLogin.of(await outcome((call) => native.beginLogin(call, this.#native, asked), signal));
  }

  /**
   * The second half: the address that the provider sent the person back to. One that is not the answer to this login is
   * refused with `provider_rejected`, and the login is still pending.
   *
   * @throws As {@link login}.
   */
  async finishLogin(pending: PendingLogin, callbackUrl: string | URL, options: CallOptions = {}): Promise<Connection> {
    const begun = PendingLogin.native(pending);
    const made = await outcome(
      (call) => native.finishLogin(call, this.#native, begun, String(callbackUrl)),
      options.signal,
    );
    return record(made);
  }

  /**
   * The connection's access token, refreshed first where that is needed. However many programs ask at once, one refresh
   * is sent. While the token at hand still works, no trouble of the network or the server is an error.
   *
   * @throws `not_connected`, `login_required`, `interaction_required`, `consent_required`, `scope_not_granted`,
   * `network`, `throttled`, `lock_timeout`, `provider_rejected`, and those of the store.
   */
  async token(provider: string, options: TokenOptions = {}): Promise<AccessToken> {
    if (this.#open && !options.forceRefresh && !options.replaces && !options.claims) {
      options.signal?.throwIfAborted();
      const cached = this.cachedToken(provider, options);
      if (cached) return cached;
    }
    const { signal, ...rest } = options;
    const asked = wanted(rest, provider);
    const text = await outcome((call) => native.token(call, this.#native, asked), signal);
    this.#open = true;
    return AccessToken.of(text);
  }

  /**
   * The connection's access token, when it can be handed out as it is; null when a refresh is needed or welcome: then
   * ask {@link token}. No network. Blocks for as long as a file takes to read, and the first time for as long as the
   * store's key takes.
   *
   * @throws `not_connected`, `unknown_provider`, `scope_not_granted`, and those of the store.
   */
  cachedToken(provider: string, options: CachedTokenOptions = {}): AccessToken | null {
    const asked = (this.#asked = Asked.again(this.#asked, provider, options));
    return asked.answer(native.tokenAtHand(this.#native, asked.native));
  }

  /**
   * The token to repeat a request with, once, after an API answered 401; null when a repetition is of no use, and the
   * API's answer is the caller's.
   *
   * @throws As {@link token}: `interaction_required` with the claims when only a person can meet the challenge.
   */
  async tokenAfterRefusal(provider: string, options: RefusalOptions): Promise<AccessToken | null> {
    const { signal, ...rest } = options;
    const asked = wanted(rest, provider);
    const text = await outcome((call) => native.tokenAfterRefusal(call, this.#native, asked), signal);
    return text === null ? null : AccessToken.of(text);
  }

  /**
   * The hosts that a connection's tokens may go to where the program names none: that of its resource, else those of the
   * provider's API. No network.
   *
   * @throws `config_invalid` when neither is known; `not_connected`, `unknown_provider`, and those of the store.
   */
  async allowedHosts(provider: string, options: ConnectionOptions = {}): Promise<AllowedHosts> {
    return new AllowedHosts(await this.#ask<readonly string[]>('allowed_hosts', wanted(options, provider)));
  }

  /**
   * The value of the `DPoP` header of one request (RFC 9449 7.1), for a token whose type is `DPoP`. A proof is good for
   * that request alone. No network.
   *
   * @throws `unsupported` when the connection's tokens are bound to no key; `config_invalid` for what is no method and no
   * address; `not_connected`, and those of the store.
   */
  async dpopProof(provider: string, options: DpopProofOptions): Promise<string> {
    return this.#ask('dpop_proof', wanted({ ...options, url: String(options.url) }, provider));
  }

  /**
   * The document to publish at `url`, which is then a client id: `clientMetadataUrl` of a login.
   *
   * @throws `config_invalid` for an address that no client id can be.
   */
  async clientMetadataDocument(url: string | URL): Promise<string> {
    return this.#ask('client_metadata_document', { url: String(url) });
  }

  /**
   * What a login for `scopes` would ask for, and what is odd about it. No network.
   *
   * @throws `unknown_provider`, `config_invalid`.
   */
  async checkScopes(provider: string, scopes: Scopes): Promise<ScopeCheck> {
    return this.#ask('check_scopes', wanted({ scopes }, provider));
  }

  /**
   * What the error codes in `text` mean, in their order: one code, or a whole error as it was pasted.
   *
   * @throws `config_invalid` when none is known; its help says where to look.
   */
  async explain(text: string): Promise<readonly Explanation[]> {
    return this.#ask('explain', { text });
  }

  /**
   * The address that an administrator consents at, for all of their organization. No network.
   *
   * @throws `unsupported` for a provider that has no such address; `config_invalid` for a tenant that is no
   * organization; `registration_missing`, and those of the store.
   */
  async adminConsentUrl(provider: string, options: AdminConsentOptions = {}): Promise<AdminConsentRequest> {
    return this.#ask('admin_consent_url', wanted(options, provider));
  }

  /**
   * What was consented to: reads the address that the administrator was sent back to. One that is not the answer to the
   * request with this `state` is refused with `provider_rejected`.
   *
   * @throws `access_denied`, `admin_consent_required` and others, as the server said.
   */
  async readAdminConsent(state: string, callbackUrl: string | URL): Promise<AdminConsent> {
    return this.#ask('read_admin_consent', { state, callback_url: String(callbackUrl) });
  }

  /** All connections. No network. @throws Those of the store as a whole. */
  async connections(): Promise<Connections> {
    return this.#ask('connections', {});
  }

  /**
   * The connections that there are, each as `appeared`, and from then on every change of them, whichever process or
   * language makes it. A change is told within a second. No network.
   *
   * It has no end; `break` ends it at once, and so does `signal`, with its reason.
   *
   * @throws Those of the store as a whole.
   */
  async *connectionChanges(options: CallOptions = {}): AsyncGenerator<ConnectionChange, never, undefined> {
    const changes = native.connectionChanges(this.#native);
    for (;;) yield record(await outcome((call) => native.nextChange(call, changes), options.signal));
  }

  /** One connection. No network. @throws `not_connected`, `unknown_provider`, and those of the store. */
  async connection(provider: string, options: ConnectionOptions = {}): Promise<Connection> {
    return this.#ask('connection', wanted(options, provider));
  }

  /**
   * Ends the connection: revokes the grant at the server where it can be, and deletes it here in any case.
   *
   * @throws `not_connected`, `unknown_provider`, `lock_timeout`, `store_unavailable`.
   */
  async logout(provider: string, options: ConnectionOptions & CallOptions = {}): Promise<LogoutOutcome> {
    const { signal, ...rest } = options;
    return this.#ask('logout', wanted(rest, provider), signal);
  }

  /** All providers. @throws `store_unavailable`. */
  async providers(): Promise<Providers> {
    return this.#ask('providers', {});
  }

  /** One provider. @throws `unknown_provider`, `config_invalid`. */
  async provider(name: string): Promise<Provider> {
    return this.#ask('provider', { provider: name });
  }

  /** Checks a provider's file and keeps it as the user's own. @throws `config_invalid`, `store_unavailable`. */
  async addProvider(file: string): Promise<Provider> {
    return this.#ask('add_provider', { file });
  }

  /** Removes the user's own definition. False when there is none. @throws `store_unavailable`. */
  async removeProvider(name: string): Promise<boolean> {
    return this.#ask('remove_provider', { provider: name });
  }

  /** Stores the client to log in to `provider` with. @throws `config_invalid`, `unknown_provider`, those of the store. */
  async setRegistration(
    provider: string,
    registration: RegistrationOptions & { readonly clientId: string; readonly clientSecret?: string | undefined },
  ): Promise<Registration> {
    return this.#ask('set_registration', wanted(registration, provider));
  }

  /** The stored registration for `provider`; null when there is none. @throws `unknown_provider`, those of the store. */
  async registration(provider: string, options: RegistrationOptions = {}): Promise<Registration | null> {
    return this.#ask('registration', wanted(options, provider));
  }

  /**
   * Removes it; null when there is none. A client that the server made on request is deleted there, which ends the grants
   * of its connections with most servers. @throws `unknown_provider`, those of the store.
   */
  async removeRegistration(provider: string, options: RegistrationOptions = {}): Promise<RegistrationRemoval | null> {
    return this.#ask('remove_registration', wanted(options, provider));
  }

  /** Makes the store's key, or opens the store that is there. @throws Those of the store. */
  async initialize(): Promise<VaultState> {
    return this.#ask('initialize', {});
  }

  /** What is there of the store, and whether its key can be had. Changes nothing. */
  async inspect(): Promise<VaultState> {
    return this.#ask('inspect', {});
  }

  /**
   * Waits until the refreshes under way are written down. A program that runs to its end does so by itself; one that
   * leaves by `process.exit()` calls this first.
   */
  async close(): Promise<void> {
    await this.#ask('close', {});
  }

  /** `await using broker = new Broker()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #ask<T>(verb: string, asked: object, signal?: AbortSignal): Promise<T> {
    return record(await outcome((call) => native.ask(call, this.#native, verb, asked), signal));
  }
}

/** What a call is given. */
function wanted(options: object, provider: string): object {
  const { scopes, addScopes, wwwAuthenticate, ...rest } = options as Texts;
  return snakeCased({
    ...rest,
    scopes: scopeText(scopes),
    addScopes: scopeText(addScopes),
    wwwAuthenticate: typeof wwwAuthenticate === 'string' ? [wwwAuthenticate] : wwwAuthenticate && [...wwwAuthenticate],
    provider,
  });
}

/** The options that may be one text or any number of them. */
interface Texts {
  readonly scopes?: Scopes;
  readonly addScopes?: Scopes;
  readonly wwwAuthenticate?: string | Iterable<string>;
}
