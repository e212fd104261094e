"""The native module: what `tokenkeep` makes its classes of. Import from there."""

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal, NoReturn, final

from typing_extensions import Self, TypeAlias, disjoint_base

from .errors import TokenkeepError

__all__ = [
    "AccessToken",
    "AllowedHosts",
    "Broker",
    "Call",
    "Changes",
    "PendingLogin",
    "__version__",
    "close_all",
    "default_answer",
    "exception",
    "forked",
    "main",
]

__version__: str

_Scopes: TypeAlias = str | Iterable[str] | None

@disjoint_base
class Broker:
    """A broker, of which `tokenkeep.Broker` and `tokenkeep.AsyncBroker` are made."""

    def __new__(cls, home: str | os.PathLike[str] | None, opening: dict[str, Any]) -> Self: ...
    @property
    def home(self) -> str:
        """The store's folder."""

    def token(
        self,
        provider: str,
        *,
        connection: str | None = None,
        scopes: _Scopes = None,
        resource: str | None = None,
        min_lifetime: float | None = None,
        force_refresh: bool = False,
        replaces: str | None = None,
        claims: str | None = None,
        allow_extended: bool = False,
    ) -> AccessToken:
        """The connection's access token, refreshed first where that is needed (RFC 6749 6).

        Cheap enough to be called for every request that is sent: a token that is fresh costs a microsecond. While the
        token at hand still works, no trouble of the network or the server is an error.

        `scopes` must be granted to the token, and be of one resource: at a provider that tells resources apart
        (Microsoft) they say which one it is for. `resource` is the address of a protected resource, an MCP server's for
        one: it says which connection, where `connection` does not, and the token is for no other. The token is refreshed first when it is good for less than
        `min_lifetime` seconds; or with `force_refresh`; or when it is `replaces`, a token that a resource has refused;
        or when it was not asked for with `claims`, the JSON of a claims challenge. `allow_extended`: while the server
        is down, one that has ended will do for as long as its resource still takes it (Microsoft's `ext_expires_in`).

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
        resource: str | None = None,
        min_lifetime: float | None = None,
    ) -> AccessToken | None:
        """The access token, when it can be handed out as it is: no lock, no network. `None` when a refresh is needed.

        Raises as `token`, without the errors of a server.
        """

    def _ask(self, verb: str, request: dict[str, Any]) -> Any: ...
    def _connection_changes(self) -> Changes: ...
    def _next_change(self, changes: Changes) -> Any: ...
    def _login(self, request: dict[str, Any], interaction: object | None) -> Any: ...
    def _begin_login(self, request: dict[str, Any]) -> Any: ...
    def _finish_login(self, pending: PendingLogin, callback_url: str) -> Any: ...
    def _token_after_refusal(self, request: dict[str, Any]) -> Any: ...
    def _asynchronous(self) -> Any: ...
    def __reduce__(self) -> NoReturn: ...

@final
class AccessToken:
    """An access token, ready for use (RFC 6749 1.4). Its `repr` does not show it, and it is not pickled."""

    @property
    def secret(self) -> str:
        """The token itself. It is opaque: what a server put into it is for the resource to read."""

    @property
    def token_type(self) -> str:
        """RFC 6749 7.1: `Bearer`; `DPoP` for a token that is bound to a key (`Broker.dpop_proof`)."""

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

    @property
    def header_name(self) -> str:
        """The name of the header that carries it: `Authorization`, but for some providers."""

    def authorization_header(self) -> str:
        """The value of that header (RFC 6750 2.1, RFC 9449 7.1)."""

    def bearer(self) -> str:
        """The token itself, for a client that makes a bearer token of whatever it is given.

        Raises `UnsupportedError` for one that is bound to a key, or that goes into another header.
        """

    def sasl(self, mechanism: Literal["xoauth2", "oauthbearer"], user: str) -> str:
        """The initial response of a SASL mechanism in base64, as IMAP, POP and SMTP take it after `AUTHENTICATE` or
        `AUTH`: of `XOAUTH2`, which is Google's and Microsoft's, or of `OAUTHBEARER` (RFC 7628). `user` is the mailbox.

        Raises `ConfigInvalidError` for a user that does not fit into it; and as `bearer`.
        """

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
class AllowedHosts:
    """The hosts that a token may be sent to, for whoever puts it into requests.

    `graph.microsoft.com` is that host; `*.sharepoint.com` is any host under it; `127.0.0.1:8080` names the port too,
    which is else the scheme's own.
    """

    def __new__(cls, hosts: Iterable[str]) -> Self:
        """These hosts. Raises `ConfigInvalidError` for what is no host, for a whole URL, and for none at all."""

    def allow(self, scheme: str, host: str, port: int | None = None) -> bool:
        """True when a request with the token may be sent there: by https, or by http to this machine.

        Give them as the HTTP client that will send the request has read them from its URL: two readers of one URL may
        read two hosts. `port` is `None` when it is the scheme's own.
        """

    def require(self, scheme: str, host: str, port: int | None = None) -> None:
        """The same for whoever sends nothing at all to another host: raises `ConfigInvalidError` there."""

    def __eq__(self, value: object, /) -> bool: ...

@final
class Changes:
    """A stream of changes; `Broker` asks for the next one."""

@final
class Call:
    """A call that has not begun, for `AsyncBroker`."""

    def start(self, done: Callable[[Any, BaseException | None], None]) -> None:
        """Begins. `done(result, error)` is called once, on another thread, unless the call is given up."""

    def abort(self) -> None:
        """Gives the call up."""

def exception(record: dict[str, Any]) -> TokenkeepError:
    """The exception of the core's error. A code that is newer than `errors` is a `TokenkeepError`."""

def default_answer(method: str, arguments: list[Any]) -> Any:
    """What the core does where an interaction has no such method."""

def main(argv: list[str]) -> int:
    """The command line; the first argument is the program's name. Returns the exit code."""

def forked() -> None:
    """For `os.register_at_fork`: this process is a child."""

def close_all() -> None:
    """For `atexit`: waits for the refreshes under way of all brokers."""
