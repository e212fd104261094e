"""`AsyncBroker`: the same calls for asyncio. The arguments, results and errors are those of `Broker`."""

from __future__ import annotations

from os import fspath

from ._native import AllowedHosts, Call
from .broker import Broker, given
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
    from asyncio import Future
    from collections.abc import AsyncGenerator, Iterable, Mapping
    from types import TracebackType
    from typing import Any, Literal, NoReturn

    from typing_extensions import Self

    from ._native import AccessToken, PendingLogin
    from .broker import _Path, _Scopes
    from .interaction import Interaction

__all__ = ["AsyncBroker"]


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
        home: _Path | None = None,
        key_source: Literal["keychain", "passphrase", "file"] | None = None,
        passphrase: str | None = None,
        lock_wait: float | None = None,
        insecure_loopback: bool = False,
    ) -> None:
        broker = Broker(
            home=home,
            key_source=key_source,
            passphrase=passphrase,
            lock_wait=lock_wait,
            insecure_loopback=insecure_loopback,
        )
        self._broker: Any = broker._asynchronous()

    @property
    def home(self) -> str:
        """The store's folder."""
        home: str = self._broker.home
        return home

    async def login(
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
        """As `Broker.login`. The interaction is called on a thread of its own, not on the event loop's."""
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
        return Connection(await _outcome(self._broker._login(request, interaction)))

    async def begin_login(
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
        """As `Broker.begin_login`."""
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
        pending: PendingLogin = await _outcome(self._broker._begin_login(request))
        return pending

    async def finish_login(self, pending: PendingLogin, callback_url: str) -> Connection:
        """As `Broker.finish_login`."""
        return Connection(await _outcome(self._broker._finish_login(pending, callback_url)))

    async def token(
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
        """As `Broker.token`."""
        answer = self._broker.token(
            provider,
            connection=connection,
            scopes=scopes,
            resource=resource,
            min_lifetime=min_lifetime,
            force_refresh=force_refresh,
            replaces=replaces,
            claims=claims,
            allow_extended=allow_extended,
        )
        token: AccessToken = await _outcome(answer) if type(answer) is Call else answer
        return token

    def cached_token(
        self,
        provider: str,
        *,
        connection: str | None = None,
        scopes: _Scopes = None,
        resource: str | None = None,
        min_lifetime: float | None = None,
    ) -> AccessToken | None:
        """As `Broker.cached_token`: not a coroutine. The first call may have to open the store."""
        token: AccessToken | None = self._broker.cached_token(
            provider, connection=connection, scopes=scopes, resource=resource, min_lifetime=min_lifetime
        )
        return token

    async def token_after_refusal(
        self,
        provider: str,
        *,
        refused: str,
        www_authenticate: Iterable[str] = (),
        connection: str | None = None,
        scopes: _Scopes = None,
        resource: str | None = None,
    ) -> AccessToken | None:
        """As `Broker.token_after_refusal`."""
        request = given(
            provider=provider,
            refused=refused,
            www_authenticate=www_authenticate,
            connection=connection,
            scopes=scopes,
            resource=resource,
        )
        token: AccessToken | None = await _outcome(self._broker._token_after_refusal(request))
        return token

    async def allowed_hosts(
        self, provider: str, *, connection: str | None = None, resource: str | None = None
    ) -> AllowedHosts:
        """As `Broker.allowed_hosts`."""
        request = given(provider=provider, connection=connection, resource=resource)
        return AllowedHosts(await _outcome(self._broker._ask("allowed_hosts", request)))

    async def dpop_proof(
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
        """As `Broker.dpop_proof`."""
        request = given(
            provider=provider,
            method=method,
            url=url,
            connection=connection,
            resource=resource,
            access_token=access_token,
            nonce=nonce,
        )
        proof: str = await _outcome(self._broker._ask("dpop_proof", request))
        return proof

    async def check_scopes(self, provider: str, scopes: str | Iterable[str]) -> ScopeCheck:
        """As `Broker.check_scopes`."""
        return ScopeCheck(await _outcome(self._broker._ask("check_scopes", {"provider": provider, "scopes": scopes})))

    async def explain(self, text: str) -> list[Explanation]:
        """As `Broker.explain`."""
        return [Explanation(one) for one in await _outcome(self._broker._ask("explain", {"text": text}))]

    async def admin_consent_url(
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
        """As `Broker.admin_consent_url`."""
        request = given(
            provider=provider,
            connection=connection,
            tenant=tenant,
            cloud=cloud,
            client_id=client_id,
            scopes=scopes,
            redirect_uri=redirect_uri,
        )
        return AdminConsentRequest(await _outcome(self._broker._ask("admin_consent_url", request)))

    async def read_admin_consent(self, state: str, callback_url: str) -> AdminConsent:
        """As `Broker.read_admin_consent`."""
        request = {"state": state, "callback_url": callback_url}
        return AdminConsent(await _outcome(self._broker._ask("read_admin_consent", request)))

    async def connections(self) -> Connections:
        """As `Broker.connections`."""
        return Connections(await _outcome(self._broker._ask("connections", {})))

    async def connection(
        self, provider: str, *, connection: str | None = None, resource: str | None = None
    ) -> Connection:
        """As `Broker.connection`."""
        request = given(provider=provider, connection=connection, resource=resource)
        return Connection(await _outcome(self._broker._ask("connection", request)))

    async def connection_changes(self) -> AsyncGenerator[ConnectionChange, None]:
        """As `Broker.connection_changes`. Cancelling who waits for a change ends it."""
        changes = self._broker._connection_changes()
        while True:
            yield ConnectionChange(await _outcome(self._broker._next_change(changes)))

    async def logout(
        self, provider: str, *, connection: str | None = None, resource: str | None = None
    ) -> LogoutOutcome:
        """As `Broker.logout`."""
        request = given(provider=provider, connection=connection, resource=resource)
        return LogoutOutcome(await _outcome(self._broker._ask("logout", request)))

    async def providers(self) -> Providers:
        """As `Broker.providers`."""
        return Providers(await _outcome(self._broker._ask("providers", {})))

    async def provider(self, name: str) -> Provider:
        """As `Broker.provider`."""
        return Provider(await _outcome(self._broker._ask("provider", {"provider": name})))

    async def add_provider(self, file: _Path) -> Provider:
        """As `Broker.add_provider`."""
        return Provider(await _outcome(self._broker._ask("add_provider", {"file": fspath(file)})))

    async def remove_provider(self, name: str) -> bool:
        """As `Broker.remove_provider`."""
        removed: bool = await _outcome(self._broker._ask("remove_provider", {"provider": name}))
        return removed

    async def set_registration(
        self, provider: str, *, client_id: str, client_secret: str | None = None, issuer: str | None = None
    ) -> Registration:
        """As `Broker.set_registration`."""
        request = given(provider=provider, client_id=client_id, client_secret=client_secret, issuer=issuer)
        return Registration(await _outcome(self._broker._ask("set_registration", request)))

    async def registration(self, provider: str, *, issuer: str | None = None) -> Registration | None:
        """As `Broker.registration`."""
        found = await _outcome(self._broker._ask("registration", given(provider=provider, issuer=issuer)))
        return None if found is None else Registration(found)

    async def remove_registration(self, provider: str, *, issuer: str | None = None) -> RegistrationRemoval | None:
        """As `Broker.remove_registration`."""
        removed = await _outcome(self._broker._ask("remove_registration", given(provider=provider, issuer=issuer)))
        return None if removed is None else RegistrationRemoval(removed)

    async def client_metadata_document(self, url: str) -> str:
        """As `Broker.client_metadata_document`."""
        document: str = await _outcome(self._broker._ask("client_metadata_document", {"url": url}))
        return document

    async def initialize(self) -> VaultState:
        """As `Broker.initialize`."""
        return VaultState(await _outcome(self._broker._ask("initialize", {})))

    async def inspect(self) -> VaultState:
        """As `Broker.inspect`."""
        return VaultState(await _outcome(self._broker._ask("inspect", {})))

    async def close(self) -> None:
        """As `Broker.close`."""
        await _outcome(self._broker._ask("close", {}))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncBroker(home={self.home!r})"

    def __reduce__(self) -> NoReturn:
        self._broker.__reduce__()
        raise AssertionError("a broker is not pickled")


async def _outcome(call: Any) -> Any:
    """Waits for a call without holding up the loop; gives it up when the task is cancelled."""
    import asyncio

    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def done(result: Any, error: BaseException | None) -> None:
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


def _settle(future: Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
