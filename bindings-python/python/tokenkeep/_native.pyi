"""The native module. Import its names from `tokenkeep`.

Durations are seconds, times are `datetime` in UTC, lists and records are the caller's own copies. `None` leaves the
choice to the library. Every error is a `tokenkeep.TokenkeepError`; a call's documentation names the classes that it is
worth catching.
"""

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, NoReturn, final

from typing_extensions import Self, TypeAlias

from .errors import TokenkeepError

__all__ = [
    "AccessToken",
    "Account",
    "Broker",
    "Call",
    "Connection",
    "Connections",
    "DeviceAuthorization",
    "FileState",
    "Interaction",
    "LogoutOutcome",
    "PendingLogin",
    "Provider",
    "Providers",
    "Registration",
    "VaultState",
    "__version__",
    "close_all",
    "forked",
    "main",
]

__version__: str

_Path: TypeAlias = str | os.PathLike[str]
_Scopes: TypeAlias = str | Iterable[str] | None

@final
class Broker:
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

    @property
    def home(self) -> str:
        """The store's folder."""

    def login(
        self,
        provider: str,
        *,
        connection: str | None = None,
        flow: Literal["pkce", "device_code"] | None = None,
        scopes: _Scopes = None,
        tenant: str | None = None,
        cloud: str | None = None,
        issuer: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        redirect_uri: str | None = None,
        paste: bool = False,
        timeout: float | None = None,
        interaction: Interaction | object | None = None,
    ) -> Connection:
        """Logs a person in and keeps the grant. A connection of the same name is replaced.

        Whatever is left open is taken from the connection's earlier login, then from the provider's definition.
        `flow` is chosen by what this machine has. `scopes` is a list, or a text with commas or spaces (RFC 6749 3.3).
        `tenant` and `cloud` are Microsoft's, `issuer` is to be discovered, for `oidc`. `redirect_uri` fixes the
        loopback redirect (RFC 8252 7.3). `paste`: the person's browser is elsewhere, and its last address will be
        pasted. `timeout` is how many seconds the person gets; 300. Without an `interaction` the person at the terminal
        is talked to, as the command line does.

        Raises `RegistrationMissingError` when no client id is known; `AccessDeniedError`, `ConsentRequiredError`,
        `AdminConsentRequiredError` when the answer was no; `LoginTimedOutError`; `LoginCancelledError` when a method
        of `interaction` raised; `ProviderRejectedError`; `NetworkError`; `UnsupportedError`; and the store's.
        """

    def begin_login(
        self,
        provider: str,
        *,
        redirect_uri: str,
        connection: str | None = None,
        scopes: _Scopes = None,
        tenant: str | None = None,
        cloud: str | None = None,
        issuer: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
    ) -> PendingLogin:
        """The first half of a login for programs that receive its answer themselves, such as web applications.

        Send the person to `authorization_url`. `redirect_uri` is where the answer will arrive, to the letter (RFC 6749
        4.1.3); any scheme will do. Raises as `login`, as far as nobody was asked.
        """

    def finish_login(self, pending: PendingLogin, callback_url: str) -> Connection:
        """The second half: the address that the provider sent the person back to.

        Raises `ProviderRejectedError` for another login's address (RFC 6749 10.12, RFC 9207), and the login is still
        pending; else as `login`.
        """

    def token(
        self,
        provider: str,
        *,
        connection: str | None = None,
        scopes: _Scopes = None,
        min_lifetime: float | None = None,
        force_refresh: bool = False,
        replaces: str | None = None,
        claims: str | None = None,
    ) -> AccessToken:
        """The connection's access token, refreshed first where that is needed (RFC 6749 6).

        Cheap enough to be called for every request that is sent: a token that is fresh costs a microsecond. While the
        token at hand still works, no trouble of the network or the server is an error.

        `scopes` must be granted to the token. It is refreshed first when it is good for less than `min_lifetime`
        seconds; or with `force_refresh`; or when it is `replaces`, a token that a resource has refused; or when it was
        not asked for with `claims`, the JSON of a claims challenge.

        Raises `NotConnectedError`: nobody has logged in. `LoginRequiredError`: the grant has ended.
        `InteractionRequiredError`, `ConsentRequiredError`: the server wants the person. `ScopeNotGrantedError`.
        `NetworkError`, `ThrottledError`, `LockTimeoutError`: it may pass (`retryable`). `ProviderRejectedError`;
        `StoreLockedError` and the store's others.
        """

    def cached_token(
        self,
        provider: str,
        *,
        connection: str | None = None,
        scopes: _Scopes = None,
        min_lifetime: float | None = None,
    ) -> AccessToken | None:
        """The access token, when it can be handed out as it is: no lock, no network. `None` when a refresh is needed.

        Raises as `token`, without the errors of a server.
        """

    def token_after_refusal(
        self,
        provider: str,
        *,
        refused: str,
        www_authenticate: Iterable[str] = (),
        connection: str | None = None,
        scopes: _Scopes = None,
    ) -> AccessToken | None:
        """The token to repeat a request with, once, after an API answered 401 to `refused` (RFC 6750 3).

        `www_authenticate` has the values of all headers of that name in its answer. `None` when a repetition is of no
        use: the answer is then the caller's. Raises as `token`.
        """

    def connections(self) -> Connections:
        """All connections. No network. Raises `StoreLockedError`, `StoreUnavailableError`."""

    def connection(self, provider: str, *, connection: str | None = None) -> Connection:
        """One connection. No network. Raises `NotConnectedError`, `StoreCorruptError` and the store's others."""

    def logout(self, provider: str, *, connection: str | None = None) -> LogoutOutcome:
        """Ends the connection: revokes the grant where the server can (RFC 7009), and deletes it here in any case.

        Raises `NotConnectedError`; `LockTimeoutError`; `StoreUnavailableError` when it could not be deleted.
        """

    def providers(self) -> Providers:
        """All providers by name. Raises `StoreUnavailableError`."""

    def provider(self, name: str) -> Provider:
        """One provider. Raises `UnknownProviderError`; `ConfigInvalidError` for a broken definition."""

    def add_provider(self, file: _Path) -> Provider:
        """Checks a provider's file and keeps it as the user's own; it wins over a bundled one.

        Its endpoints are where codes, tokens and secrets of that provider will go: show them to the user. Raises
        `ConfigInvalidError` with the line and what was expected; `StoreUnavailableError`.
        """

    def remove_provider(self, name: str) -> bool:
        """Removes the user's own definition. False when there is none. Connections made with it go on."""

    def set_registration(
        self, provider: str, *, client_id: str, client_secret: str | None = None
    ) -> Registration:
        """Stores the client to log in to `provider` with (RFC 6749 2.2).

        Raises `ConfigInvalidError` for a client id that is none; `UnknownProviderError`; and the store's.
        """

    def registration(self, provider: str) -> Registration | None:
        """The stored client. Raises `UnknownProviderError`; and the store's."""

    def remove_registration(self, provider: str) -> bool:
        """Removes the stored client. False when there is none. Connections made with it keep their own copy."""

    def initialize(self) -> VaultState:
        """Makes the store's key, or opens the store that is there. A keychain may ask the person.

        Raises `StoreLockedError`: the key cannot be had, or no place for it was chosen; the help has the commands.
        """

    def inspect(self) -> VaultState:
        """What is there of the store, and whether its key can be had. Changes nothing."""

    def close(self) -> None:
        """Waits until the refreshes under way are written down. At the end of a program that is done by itself."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
    def __reduce__(self) -> NoReturn: ...
    def _asynchronous(self) -> Any: ...

class Interaction:
    """Talks to the person during a login. Override what your program does in its own way.

    Any object with some of these methods will do. They are called on a thread of their own, and may block. What one
    raises ends the login with `LoginCancelledError`, whose `__cause__` it is.
    """

    def __new__(cls, *arguments: object, **keywords: object) -> Self: ...
    def flow_chosen(self, flow: str, reason: str) -> None:
        """The flow that was chosen, `pkce` or `device_code`, and why. By default nobody is told."""

    def open_url(self, url: str) -> None:
        """Takes the person to the authorization URL. By default in the system's browser (RFC 8252 8.12)."""

    def show_device_authorization(self, device: DeviceAuthorization) -> None:
        """Shows the user code and where to enter it (RFC 8628 3.3).

        Say which program asks, and that nobody should go on who has not started it (RFC 8628 5.4). The default raises
        `UnsupportedError`.
        """

    def read_redirect_url(self) -> str:
        """Asks for the address that the browser ended up at, with `paste`. The default raises `UnsupportedError`."""

    def response_refused(self, reason: str) -> None:
        """Something reached the loopback redirect and was not the answer; the flow goes on waiting."""

@final
class AccessToken:
    """An access token, ready for use (RFC 6749 1.4). Its `repr` does not show it, and it is not pickled."""

    @property
    def secret(self) -> str:
        """The token itself. It is opaque: what a server put into it is for the resource to read."""

    @property
    def token_type(self) -> str:
        """RFC 6749 7.1: `Bearer`."""

    @property
    def expires_at(self) -> datetime | None:
        """When it ends; `None` when it does not expire."""

    @property
    def scopes(self) -> list[str]:
        """What it grants."""

    @property
    def resource(self) -> str | None:
        """The resource that it is for (RFC 8707), when the server tells resources apart."""

    @property
    def provider(self) -> str:
        """The provider that it is from."""

    @property
    def connection(self) -> str:
        """The name of the connection that it is from."""

    def authorization_header(self) -> str:
        """The value of an `Authorization` header (RFC 6750 2.1)."""

    def __eq__(self, value: object, /) -> bool: ...
    def __reduce__(self) -> NoReturn: ...

@final
class PendingLogin:
    """A login that has begun: the person is at the provider, the answer comes by another way."""

    @property
    def authorization_url(self) -> str:
        """Where to send the person."""

    def __reduce__(self) -> NoReturn: ...

@final
class Account:
    """Whose grant it is."""

    @property
    def subject(self) -> str | None:
        """OIDC `sub`: unique and lasting within the issuer."""

    @property
    def issuer(self) -> str | None:
        """OIDC `iss` of the id_token."""

    @property
    def username(self) -> str | None:
        """A name for people: `preferred_username`, else `email`, else `name`."""

    @property
    def tenant_id(self) -> str | None:
        """Microsoft's `tid`: the tenant that signed the person in."""

    @property
    def home_account_id(self) -> str | None:
        """Microsoft's `uid.utid`: the account itself, whichever tenant it visits."""

    def __eq__(self, value: object, /) -> bool: ...

@final
class Connection:
    """One connection, without its secrets."""

    @property
    def provider(self) -> str:
        """Its provider."""

    @property
    def connection(self) -> str:
        """Its name: `default` when none was given."""

    @property
    def status(self) -> Literal["connected", "login_required"]:
        """Whether the grant works."""

    @property
    def login_required(self) -> str | None:
        """Why a login is required: `grant_ended`, `no_refresh_token` or `response_lost`."""

    @property
    def account(self) -> Account:
        """Whose grant it is."""

    @property
    def requested_scopes(self) -> list[str]:
        """What was asked for."""

    @property
    def granted_scopes(self) -> list[str]:
        """What was granted."""

    @property
    def missing_scopes(self) -> list[str]:
        """What was asked for and not granted (RFC 6749 3.3), as the provider compares scopes."""

    @property
    def expires_at(self) -> datetime | None:
        """When the access token at hand ends; `None` when it does not expire."""

    @property
    def has_refresh_token(self) -> bool:
        """True when the access token can be replaced without the person."""

    @property
    def client_id(self) -> str:
        """The client that it was made with."""

    @property
    def issuer(self) -> str | None:
        """The issuer, when it is known."""

    @property
    def tenant(self) -> str | None:
        """Microsoft's tenant, as it was asked for."""

    @property
    def logged_in_at(self) -> datetime:
        """When the person logged in."""

    @property
    def refreshed_at(self) -> datetime | None:
        """When it was last refreshed."""

    def __eq__(self, value: object, /) -> bool: ...

@final
class Connections:
    """All connections of a store."""

    @property
    def connections(self) -> list[Connection]:
        """Those that can be read, sorted by name."""

    @property
    def damaged(self) -> list[TokenkeepError]:
        """One error for each file that cannot. They are kept."""

    def __eq__(self, value: object, /) -> bool: ...

@final
class LogoutOutcome:
    """What a logout did."""

    @property
    def provider(self) -> str:
        """The provider of the connection that is gone from the store."""

    @property
    def connection(self) -> str:
        """Its name."""

    @property
    def revocation(self) -> Literal["revoked", "already_ended", "not_supported", "failed"]:
        """What became of the grant at the server."""

    @property
    def detail(self) -> str | None:
        """What a person can do where revocation is not supported; why it failed."""

    def __eq__(self, value: object, /) -> bool: ...

@final
class Provider:
    """A provider that can be logged in to."""

    @property
    def name(self) -> str:
        """The name that people type."""

    @property
    def display_name(self) -> str:
        """The name that people read."""

    @property
    def access_token_variable(self) -> str:
        """The environment variable that programs expect the access token in."""

    @property
    def endpoints(self) -> dict[str, str]:
        """Where codes, tokens and client secrets go, and the clouds; `{cloud}` and `{tenant}` are not filled in."""

    @property
    def discovery(self) -> bool:
        """True when the endpoints come from the metadata of the issuer that is named at login."""

    @property
    def origin(self) -> Literal["bundled", "user"]:
        """Whose definition it is."""

    @property
    def path(self) -> str | None:
        """The user's own file."""

    @property
    def definition(self) -> str:
        """Its definition, as the file has it."""

    def __eq__(self, value: object, /) -> bool: ...

@final
class Providers:
    """All providers."""

    @property
    def providers(self) -> list[Provider]:
        """Those whose definition can be read, by name."""

    @property
    def damaged(self) -> list[TokenkeepError]:
        """One error for each definition that cannot."""

    def __eq__(self, value: object, /) -> bool: ...

@final
class Registration:
    """A stored client registration, without its secret."""

    @property
    def provider(self) -> str:
        """The provider that it is for."""

    @property
    def client_id(self) -> str:
        """RFC 6749 2.2."""

    @property
    def has_client_secret(self) -> bool:
        """True when a client secret is stored with it."""

    @property
    def stored_at(self) -> datetime:
        """When it was stored."""

    def __eq__(self, value: object, /) -> bool: ...

@final
class FileState:
    """A folder or a file of a store."""

    @property
    def path(self) -> str:
        """Where it is."""

    @property
    def mode(self) -> int | None:
        """Its permission bits, where the system has them."""

    @property
    def open_to_others(self) -> bool:
        """True when other users may do something with it."""

    def __eq__(self, value: object, /) -> bool: ...

@final
class VaultState:
    """What was found at a store's home."""

    @property
    def home(self) -> str:
        """The folder."""

    @property
    def files(self) -> list[FileState]:
        """The folders and files that exist, and how open they are."""

    @property
    def id(self) -> str | None:
        """The store's id, which names its keychain item; `None` when there is no store."""

    @property
    def key_source(self) -> Literal["keychain", "passphrase", "file"] | None:
        """Where the key is kept."""

    @property
    def key(self) -> Literal["no_vault", "found", "asked", "missing"]:
        """Whether the key can be had; `asked`: it is a passphrase, which nobody was asked for."""

    @property
    def key_error(self) -> TokenkeepError | None:
        """Why the key cannot be had, or the store cannot be looked at."""

    @property
    def connections(self) -> int:
        """How many connections there are, readable or not."""

    @property
    def registrations(self) -> int:
        """How many client registrations there are."""

    @property
    def kept_aside(self) -> list[str]:
        """Damaged files that were kept aside."""

    @property
    def keychain(self) -> TokenkeepError | None:
        """Why there is no keychain; `None` when it answers."""

    def __eq__(self, value: object, /) -> bool: ...

@final
class DeviceAuthorization:
    """What a person must see and do for the device code flow (RFC 8628 3.3)."""

    @property
    def verification_uri(self) -> str:
        """Where to go, on any device."""

    @property
    def user_code(self) -> str:
        """What to enter there."""

    @property
    def verification_uri_complete(self) -> str | None:
        """The same address with the code in it, where the server gives one. Fit for a QR code."""

    @property
    def message(self) -> str | None:
        """The server's own words, in the person's language (Microsoft)."""

    @property
    def expires_in(self) -> int:
        """Seconds until the code is worth nothing."""

    def __eq__(self, value: object, /) -> bool: ...

@final
class Call:
    """A call that has not begun, for `AsyncBroker`."""

    def start(self, done: Callable[[Any, BaseException | None], None]) -> None:
        """Begins. `done(result, error)` is called once, on another thread, unless the call is given up."""

    def abort(self) -> None:
        """Gives the call up."""

def main(argv: list[str]) -> int:
    """The command line; the first argument is the program's name. Returns the exit code."""

def forked() -> None:
    """For `os.register_at_fork`: this process is a child."""

def close_all() -> None:
    """For `atexit`: waits for the refreshes under way of all brokers."""
