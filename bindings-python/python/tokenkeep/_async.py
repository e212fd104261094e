"""`AsyncBroker`: the calls of `Broker` for asyncio. The arguments, results and errors are those of `Broker`."""

from ._native import Broker, Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future
    from os import PathLike
    from types import TracebackType
    from typing import Any, Iterable, Literal, Optional, Type, Union

    from typing_extensions import Self

    from ._native import (
        AccessToken,
        Connection,
        Connections,
        Interaction,
        LogoutOutcome,
        PendingLogin,
        Provider,
        Providers,
        Registration,
        VaultState,
    )

    _Scopes = Union[str, Iterable[str], None]


class AsyncBroker:
    """The twin of `Broker` for asyncio: the same calls, as coroutines.

    A call never blocks the event loop, and one that has its answer at hand does not leave it. Cancelling a task gives
    its call up at once; a refresh under way is carried to its end and kept, so that no refresh token is lost.

    One broker serves all event loops of a process, in any number of threads, and the children that it forks.
    """

    __slots__ = ("__weakref__", "_broker")

    def __init__(
        self,
        *,
        home: "Union[str, PathLike[str], None]" = None,
        key_source: "Optional[Literal['keychain', 'passphrase', 'file']]" = None,
        passphrase: "Optional[str]" = None,
        lock_wait: "Optional[float]" = None,
        insecure_loopback: bool = False,
    ) -> None:
        self._broker: "Any" = Broker(
            home=home,
            key_source=key_source,
            passphrase=passphrase,
            lock_wait=lock_wait,
            insecure_loopback=insecure_loopback,
        )._asynchronous()

    @property
    def home(self) -> str:
        """The store's folder."""
        return self._broker.home

    async def login(
        self,
        provider: str,
        *,
        connection: "Optional[str]" = None,
        flow: "Optional[Literal['pkce', 'device_code']]" = None,
        scopes: "_Scopes" = None,
        tenant: "Optional[str]" = None,
        cloud: "Optional[str]" = None,
        issuer: "Optional[str]" = None,
        client_id: "Optional[str]" = None,
        client_secret: "Optional[str]" = None,
        redirect_uri: "Optional[str]" = None,
        paste: bool = False,
        timeout: "Optional[float]" = None,
        interaction: "Optional[Interaction]" = None,
    ) -> "Connection":
        """As `Broker.login`. The interaction is called on a thread of its own, not on the event loop's."""
        return await _outcome(
            self._broker.login(
                provider,
                connection=connection,
                flow=flow,
                scopes=scopes,
                tenant=tenant,
                cloud=cloud,
                issuer=issuer,
                client_id=client_id,
                client_secret=client_secret,
                redirect_uri=redirect_uri,
                paste=paste,
                timeout=timeout,
                interaction=interaction,
            )
        )

    async def begin_login(
        self,
        provider: str,
        *,
        redirect_uri: str,
        connection: "Optional[str]" = None,
        scopes: "_Scopes" = None,
        tenant: "Optional[str]" = None,
        cloud: "Optional[str]" = None,
        issuer: "Optional[str]" = None,
        client_id: "Optional[str]" = None,
        client_secret: "Optional[str]" = None,
    ) -> "PendingLogin":
        """As `Broker.begin_login`."""
        return await _outcome(
            self._broker.begin_login(
                provider,
                redirect_uri=redirect_uri,
                connection=connection,
                scopes=scopes,
                tenant=tenant,
                cloud=cloud,
                issuer=issuer,
                client_id=client_id,
                client_secret=client_secret,
            )
        )

    async def finish_login(self, pending: "PendingLogin", callback_url: str) -> "Connection":
        """As `Broker.finish_login`."""
        return await _outcome(self._broker.finish_login(pending, callback_url))

    async def token(
        self,
        provider: str,
        *,
        connection: "Optional[str]" = None,
        scopes: "_Scopes" = None,
        min_lifetime: "Optional[float]" = None,
        force_refresh: bool = False,
        replaces: "Optional[str]" = None,
        claims: "Optional[str]" = None,
    ) -> "AccessToken":
        """As `Broker.token`."""
        answer = self._broker.token(
            provider,
            connection=connection,
            scopes=scopes,
            min_lifetime=min_lifetime,
            force_refresh=force_refresh,
            replaces=replaces,
            claims=claims,
        )
        return await _outcome(answer) if type(answer) is Call else answer

    def cached_token(
        self,
        provider: str,
        *,
        connection: "Optional[str]" = None,
        scopes: "_Scopes" = None,
        min_lifetime: "Optional[float]" = None,
    ) -> "Optional[AccessToken]":
        """As `Broker.cached_token`: not a coroutine. The first call may have to open the store."""
        return self._broker.cached_token(
            provider, connection=connection, scopes=scopes, min_lifetime=min_lifetime
        )

    async def token_after_refusal(
        self,
        provider: str,
        *,
        refused: str,
        www_authenticate: "Iterable[str]" = (),
        connection: "Optional[str]" = None,
        scopes: "_Scopes" = None,
    ) -> "Optional[AccessToken]":
        """As `Broker.token_after_refusal`."""
        return await _outcome(
            self._broker.token_after_refusal(
                provider,
                refused=refused,
                www_authenticate=www_authenticate,
                connection=connection,
                scopes=scopes,
            )
        )

    async def connections(self) -> "Connections":
        """As `Broker.connections`."""
        return await _outcome(self._broker.connections())

    async def connection(self, provider: str, *, connection: "Optional[str]" = None) -> "Connection":
        """As `Broker.connection`."""
        return await _outcome(self._broker.connection(provider, connection=connection))

    async def logout(self, provider: str, *, connection: "Optional[str]" = None) -> "LogoutOutcome":
        """As `Broker.logout`."""
        return await _outcome(self._broker.logout(provider, connection=connection))

    async def providers(self) -> "Providers":
        """As `Broker.providers`."""
        return await _outcome(self._broker.providers())

    async def provider(self, name: str) -> "Provider":
        """As `Broker.provider`."""
        return await _outcome(self._broker.provider(name))

    async def add_provider(self, file: "Union[str, PathLike[str]]") -> "Provider":
        """As `Broker.add_provider`."""
        return await _outcome(self._broker.add_provider(file))

    async def remove_provider(self, name: str) -> bool:
        """As `Broker.remove_provider`."""
        return await _outcome(self._broker.remove_provider(name))

    async def set_registration(
        self, provider: str, *, client_id: str, client_secret: "Optional[str]" = None
    ) -> "Registration":
        """As `Broker.set_registration`."""
        return await _outcome(
            self._broker.set_registration(provider, client_id=client_id, client_secret=client_secret)
        )

    async def registration(self, provider: str) -> "Optional[Registration]":
        """As `Broker.registration`."""
        return await _outcome(self._broker.registration(provider))

    async def remove_registration(self, provider: str) -> bool:
        """As `Broker.remove_registration`."""
        return await _outcome(self._broker.remove_registration(provider))

    async def initialize(self) -> "VaultState":
        """As `Broker.initialize`."""
        return await _outcome(self._broker.initialize())

    async def inspect(self) -> "VaultState":
        """As `Broker.inspect`."""
        return await _outcome(self._broker.inspect())

    async def close(self) -> None:
        """As `Broker.close`."""
        await _outcome(self._broker.close())

    async def __aenter__(self) -> "Self":
        return self

    async def __aexit__(
        self,
        kind: "Optional[Type[BaseException]]",
        raised: "Optional[BaseException]",
        traceback: "Optional[TracebackType]",
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"Async{self._broker!r}"

    def __reduce__(self) -> "Any":
        return self._broker.__reduce__()


async def _outcome(call: "Any") -> "Any":
    """Waits for a call without holding up the loop; gives it up when the task is cancelled."""
    import asyncio

    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def done(result: "Any", error: "Optional[BaseException]") -> None:
        try:
            loop.call_soon_threadsafe(_settle, future, result, error)
        except RuntimeError:
            # The loop has been closed: nobody waits any more.
            pass

    call.start(done)
    try:
        return await future
    finally:
        call.abort()


def _settle(future: "Future[Any]", result: "Any", error: "Optional[BaseException]") -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
