"""`Broker`: the calls of the core, for programs that wait."""

from __future__ import annotations

from os import fspath

from . import _native
from ._native import AllowedHosts
from .records import (
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
)

# What a type checker reads, and no program imports.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from os import PathLike
    from types import TracebackType
    from typing import Any, Literal, Union

    from typing_extensions import Self

    from ._native import AccessToken, PendingLogin
    from .interaction import Interaction

    _Path = Union[str, PathLike[str]]
    _Scopes = Union[str, Iterable[str], None]

__all__ = ["Broker"]


def given(**options: Any) -> dict[str, Any]:
    """The options that are not left to the core."""
    return {name: option for name, option in options.items() if option is not None}


class Broker(_native.Broker):
    """Logs a person in, keeps the grant, and hands out fresh access tokens.

    Opening one touches no file and no keychain; the store is opened by the first call that needs it. All brokers of a
    store, in any number of threads, processes and languages, share its connections: however many ask at once, one
    refresh is sent.

    A call that waits lets other threads run, and Ctrl-C ends it within a fifth of a second. Giving a call up never
    loses a refresh token: a refresh under way is carried to its end. A broker may be used in a child that was forked
    from the process that made it. For asyncio there is `AsyncBroker`.
    """

    def __new__(
        cls,
        *,
        home: _Path | None = None,
        key_source: Literal["keychain", "passphrase", "file"] | None = None,
        passphrase: str | None = None,
        lock_wait: float | None = None,
        insecure_loopback: bool = False,
    ) -> Self:
        """A broker of the store in `home`; else in `TOKENKEEP_HOME`, else in the platform's data directory.

        `key_source` is where the store's key is kept; else `TOKENKEEP_KEY`, else what the store was made with.
        `passphrase` is that of a store that wants one; else `TOKENKEEP_PASSPHRASE`. `lock_wait` is how many seconds to
        wait for a connection that another process holds; else `TOKENKEEP_LOCK_WAIT`, else 45. `insecure_loopback`
        allows plain http to this machine, for tests.

        Raises `ConfigInvalidError` when an option or an environment variable is not of its form.
        """
        opening = given(
            key_source=key_source, passphrase=passphrase, lock_wait=lock_wait, insecure_loopback=insecure_loopback
        )
        return super().__new__(cls, home, opening)

    def login(
        self,
        provider: str,
        *,
        connection: str | None = None,
        flow: Literal["pkce", "device_code", "client_credentials"] | None = None,
        scopes: _Scopes = None,
        add_scopes: _Scopes = None,
        prompt: str | None = None,
        login_hint: str | None = None,
        domain_hint: str | None = None,
        claims: str | None = None,
        client_capabilities: Iterable[str] | None = None,
        tenant: str | None = None,
        cloud: str | None = None,
        issuer: str | None = None,
        resource: str | None = None,
        www_authenticate: Iterable[str] | None = None,
        values: Mapping[str, str] | None = None,
        client_metadata_url: str | None = None,
        dpop: bool | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        certificate: str | None = None,
        credential_file: _Path | None = None,
        credential_keychain: str | None = None,
        credential_expires: str | None = None,
        redirect_uri: str | None = None,
        paste: bool = False,
        timeout: float | None = None,
        interaction: Interaction | object | None = None,
    ) -> Connection:
        """Logs a person in and keeps the grant. A connection of the same name is replaced.

        Whatever is left open is taken from the connection's earlier login, then from the provider's definition.
        `flow` is chosen by what this machine has; by `client_credentials` nobody logs in, and the grant is the
        client's own (RFC 6749 4.4). `redirect_uri` fixes the loopback redirect (RFC 8252 7.3). `paste`: the person's
        browser is elsewhere, and its last address will be pasted. `timeout` is how many seconds the person gets; 300.
        Without an `interaction` the person at the terminal is talked to, as the command line does.

        What to ask for: `scopes` is a list, or a text with commas or spaces (RFC 6749 3.3), in which the provider's
        presets stand for theirs. `add_scopes`, in their place, go beside what the connection was asked for before.
        `claims` is the JSON of a claims challenge; else the one that the connection's last refresh met.
        `client_capabilities` says what this client can do (Microsoft): `cp1` that it answers claims challenges.

        Where: `resource` is the address of a protected resource, an MCP server's for one; it names the connection where
        `connection` does not (RFC 8707), and for the provider `mcp` its metadata say all the rest (RFC 9728).
        `www_authenticate` has the values of the headers of that name with which it refused a request, if it did. `values`
        are what differs from customer to customer at a provider, by name. `dpop` binds the tokens to a key (RFC 9449);
        else as the provider or the resource wants it.

        Whom: `tenant` and `cloud` are Microsoft's, `issuer` is to be discovered, for `oidc`. `login_hint` is whom the
        login page offers first, `domain_hint` the domain of the organization that signs them in (Microsoft). `prompt`
        is `login`, `consent`, `select_account` or `none` (OIDC Core 3.1.2.1).

        Who asks: `client_id`; or, where the server takes a document that you have published, the address of that,
        `client_metadata_url` (`client_metadata_document`). And what it proves itself with: `client_secret`, or `certificate`, which is a private
        key in PEM, with its certificate or alone (RFC 7523 2.2). `credential_file` is a file that holds either, `credential_keychain`
        an item of the system's keychain, as `SERVICE/ACCOUNT`. `credential_expires` is the day that a secret ends,
        `2027-01-31`; a certificate says so itself.

        Raises `RegistrationMissingError` when no client id is known; `AccessDeniedError`, `ConsentRequiredError`,
        `AdminConsentRequiredError` when the answer was no; `LoginTimedOutError`; `LoginCancelledError` when a method
        of `interaction` raised; `ProviderRejectedError`; `NetworkError`; `UnsupportedError`; and the store's.
        """
        request = given(
            provider=provider,
            connection=connection,
            flow=flow,
            scopes=scopes,
            add_scopes=add_scopes,
            prompt=prompt,
            login_hint=login_hint,
            domain_hint=domain_hint,
            claims=claims,
            client_capabilities=client_capabilities,
            tenant=tenant,
            cloud=cloud,
            issuer=issuer,
            resource=resource,
            www_authenticate=www_authenticate,
            values=None if values is None else dict(values),
            client_metadata_url=client_metadata_url,
            dpop=dpop,
            client_id=client_id,
            client_secret=client_secret,
            certificate=certificate,
            credential_file=None if credential_file is None else fspath(credential_file),
            credential_keychain=credential_keychain,
            credential_expires=credential_expires,
            redirect_uri=redirect_uri,
            paste=paste,
            timeout=timeout,
        )
        return Connection(self._login(request, interaction))

    def begin_login(
        self,
        provider: str,
        *,
        redirect_uri: str,
        connection: str | None = None,
        scopes: _Scopes = None,
        add_scopes: _Scopes = None,
        prompt: str | None = None,
        login_hint: str | None = None,
        domain_hint: str | None = None,
        claims: str | None = None,
        client_capabilities: Iterable[str] | None = None,
        tenant: str | None = None,
        cloud: str | None = None,
        issuer: str | None = None,
        resource: str | None = None,
        www_authenticate: Iterable[str] | None = None,
        values: Mapping[str, str] | None = None,
        client_metadata_url: str | None = None,
        dpop: bool | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        certificate: str | None = None,
        credential_file: _Path | None = None,
        credential_keychain: str | None = None,
        credential_expires: str | None = None,
    ) -> PendingLogin:
        """The first half of a login for programs that receive its answer themselves, such as web applications.

        Send the person to `authorization_url`. `redirect_uri` is where the answer will arrive, to the letter (RFC 6749
        4.1.3); any scheme will do. Raises as `login`, as far as nobody was asked.
        """
        request = given(
            provider=provider,
            connection=connection,
            scopes=scopes,
            add_scopes=add_scopes,
            prompt=prompt,
            login_hint=login_hint,
            domain_hint=domain_hint,
            claims=claims,
            client_capabilities=client_capabilities,
            tenant=tenant,
            cloud=cloud,
            issuer=issuer,
            resource=resource,
            www_authenticate=www_authenticate,
            values=None if values is None else dict(values),
            client_metadata_url=client_metadata_url,
            dpop=dpop,
            client_id=client_id,
            client_secret=client_secret,
            certificate=certificate,
            credential_file=None if credential_file is None else fspath(credential_file),
            credential_keychain=credential_keychain,
            credential_expires=credential_expires,
            redirect_uri=redirect_uri,
        )
        pending: PendingLogin = self._begin_login(request)
        return pending

    def finish_login(self, pending: PendingLogin, callback_url: str) -> Connection:
        """The second half: the address that the provider sent the person back to.

        Raises `ProviderRejectedError` for another login's address (RFC 6749 10.12, RFC 9207), and the login is still
        pending; else as `login`.
        """
        return Connection(self._finish_login(pending, callback_url))

    def token_after_refusal(
        self,
        provider: str,
        *,
        refused: str,
        www_authenticate: Iterable[str] = (),
        connection: str | None = None,
        scopes: _Scopes = None,
        resource: str | None = None,
    ) -> AccessToken | None:
        """The token to repeat a request with, once, after an API answered 401 to `refused` (RFC 6750 3).

        `www_authenticate` has the values of all headers of that name in its answer. `None` when a repetition is of no
        use: the answer is then the caller's. Raises as `token`.
        """
        request = given(
            provider=provider,
            refused=refused,
            www_authenticate=www_authenticate,
            connection=connection,
            scopes=scopes,
            resource=resource,
        )
        token: AccessToken | None = self._token_after_refusal(request)
        return token

    def allowed_hosts(
        self, provider: str, *, connection: str | None = None, resource: str | None = None
    ) -> AllowedHosts:
        """The hosts that a connection's tokens may go to where the program names none: that of its resource, else those of
        the provider's API. No network.

        Raises `ConfigInvalidError` when neither is known; `NotConnectedError`, `StoreCorruptError` and the store's others.
        """
        request = given(provider=provider, connection=connection, resource=resource)
        return AllowedHosts(self._ask("allowed_hosts", request))

    def dpop_proof(
        self,
        provider: str,
        *,
        method: str,
        url: str,
        connection: str | None = None,
        resource: str | None = None,
        access_token: str | None = None,
        nonce: str | None = None,
    ) -> str:
        """The value of the `DPoP` header of one request (RFC 9449 7.1), for a token of type `DPoP`. No network.

        A proof is for one request: its `method`, its `url`, and the `access_token` that it carries, the one at hand when
        left out. `nonce` is the `DPoP-Nonce` header of the resource's last answer; else the last one that its origin gave.

        Raises `UnsupportedError` when the connection's tokens are bound to no key; `ConfigInvalidError` for what is no
        method and no address; `NotConnectedError`, and the store's.
        """
        request = given(
            provider=provider,
            method=method,
            url=url,
            connection=connection,
            resource=resource,
            access_token=access_token,
            nonce=nonce,
        )
        proof: str = self._ask("dpop_proof", request)
        return proof

    def check_scopes(self, provider: str, scopes: str | Iterable[str]) -> ScopeCheck:
        """What a login for `scopes` would ask for, and what is odd about it. No network.

        Raises `UnknownProviderError`; `ConfigInvalidError` for what is no scope, and for a broken definition.
        """
        return ScopeCheck(self._ask("check_scopes", {"provider": provider, "scopes": scopes}))

    def explain(self, text: str) -> list[Explanation]:
        """What the error codes in `text` mean, in their order: one code, or a whole error as it was pasted.

        Raises `ConfigInvalidError` when none is known; its help says where to look.
        """
        return [Explanation(one) for one in self._ask("explain", {"text": text})]

    def admin_consent_url(
        self,
        provider: str,
        *,
        connection: str | None = None,
        tenant: str | None = None,
        cloud: str | None = None,
        client_id: str | None = None,
        scopes: _Scopes = None,
        redirect_uri: str | None = None,
    ) -> AdminConsentRequest:
        """The address that an administrator consents at, for all of their organization. No network.

        What is left open is taken from the connection, then as in a login. `tenant` is the organization: a GUID, a
        domain, or `organizations` for that of whoever signs in. `redirect_uri` is where the administrator is sent
        afterwards, one of the registration's.

        Raises `UnsupportedError` for a provider that has no such address; `ConfigInvalidError` for a tenant that is no
        organization; `RegistrationMissingError`; and the store's.
        """
        request = given(
            provider=provider,
            connection=connection,
            tenant=tenant,
            cloud=cloud,
            client_id=client_id,
            scopes=scopes,
            redirect_uri=redirect_uri,
        )
        return AdminConsentRequest(self._ask("admin_consent_url", request))

    def read_admin_consent(self, state: str, callback_url: str) -> AdminConsent:
        """What was consented to: reads the address that the administrator was sent back to.

        Raises `ProviderRejectedError` for what is not the answer to the request with this `state`; `AccessDeniedError`,
        `AdminConsentRequiredError` and others as the server said.
        """
        return AdminConsent(self._ask("read_admin_consent", {"state": state, "callback_url": callback_url}))

    def connections(self) -> Connections:
        """All connections. No network. Raises `StoreLockedError`, `StoreUnavailableError`."""
        return Connections(self._ask("connections", {}))

    def connection(
        self, provider: str, *, connection: str | None = None, resource: str | None = None
    ) -> Connection:
        """One connection. No network. Raises `NotConnectedError`, `StoreCorruptError` and the store's others."""
        request = given(provider=provider, connection=connection, resource=resource)
        return Connection(self._ask("connection", request))

    def connection_changes(self) -> Generator[ConnectionChange, None, None]:
        """The connections that there are, each as `appeared`, and from then on every change of them.

        Whichever process or language makes a change, it is told within a second. A program that shows connections needs
        nothing else, and misses none between a listing and the changes after it. No network.

        It has no end: it waits for the next change while other threads run. Ctrl-C ends it, and so does its `close()`.
        Raises `StoreLockedError`, `StoreUnavailableError`.
        """
        changes = self._connection_changes()
        while True:
            yield ConnectionChange(self._next_change(changes))

    def logout(
        self, provider: str, *, connection: str | None = None, resource: str | None = None
    ) -> LogoutOutcome:
        """Ends the connection: revokes the grant where the server can (RFC 7009), and deletes it here in any case.

        Raises `NotConnectedError`; `LockTimeoutError`; `StoreUnavailableError` when it could not be deleted.
        """
        request = given(provider=provider, connection=connection, resource=resource)
        return LogoutOutcome(self._ask("logout", request))

    def providers(self) -> Providers:
        """All providers by name. Raises `StoreUnavailableError`."""
        return Providers(self._ask("providers", {}))

    def provider(self, name: str) -> Provider:
        """One provider. Raises `UnknownProviderError`; `ConfigInvalidError` for a broken definition."""
        return Provider(self._ask("provider", {"provider": name}))

    def add_provider(self, file: _Path) -> Provider:
        """Checks a provider's file and keeps it as the user's own; it wins over a bundled one.

        Its endpoints are where codes, tokens and secrets of that provider will go: show them to the user. Raises
        `ConfigInvalidError` with the line and what was expected; `StoreUnavailableError`.
        """
        return Provider(self._ask("add_provider", {"file": fspath(file)}))

    def remove_provider(self, name: str) -> bool:
        """Removes the user's own definition. False when there is none. Connections made with it go on."""
        removed: bool = self._ask("remove_provider", {"provider": name})
        return removed

    def set_registration(
        self, provider: str, *, client_id: str, client_secret: str | None = None, issuer: str | None = None
    ) -> Registration:
        """Stores the client to log in to `provider` with (RFC 6749 2.2); at `issuer`, for `oidc` and `mcp`.

        Raises `ConfigInvalidError` for a client id that is none; `UnknownProviderError`; and the store's.
        """
        request = given(provider=provider, client_id=client_id, client_secret=client_secret, issuer=issuer)
        return Registration(self._ask("set_registration", request))

    def registration(self, provider: str, *, issuer: str | None = None) -> Registration | None:
        """The stored client. Raises `UnknownProviderError`; and the store's."""
        found = self._ask("registration", given(provider=provider, issuer=issuer))
        return None if found is None else Registration(found)

    def remove_registration(self, provider: str, *, issuer: str | None = None) -> RegistrationRemoval | None:
        """Removes the stored client; `None` when there is none. Connections made with it keep their own copy.

        A client that the server made on request is deleted there, which ends their grants with most servers.
        """
        removed = self._ask("remove_registration", given(provider=provider, issuer=issuer))
        return None if removed is None else RegistrationRemoval(removed)

    def client_metadata_document(self, url: str) -> str:
        """The document to publish at `url`, which is then a client id (`client_metadata_url` of `login`).

        Raises `ConfigInvalidError` for an address that no client id can be.
        """
        document: str = self._ask("client_metadata_document", {"url": url})
        return document

    def initialize(self) -> VaultState:
        """Makes the store's key, or opens the store that is there. A keychain may ask the person.

        Raises `StoreLockedError`: the key cannot be had, or no place for it was chosen; the help has the commands.
        """
        return VaultState(self._ask("initialize", {}))

    def inspect(self) -> VaultState:
        """What is there of the store, and whether its key can be had. Changes nothing."""
        return VaultState(self._ask("inspect", {}))

    def close(self) -> None:
        """Waits until the refreshes under way are written down. At the end of a program that is done by itself."""
        self._ask("close", {})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Broker(home={self.home!r})"
