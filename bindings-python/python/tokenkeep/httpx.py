"""A connection as the authentication of httpx.

    import httpx
    from tokenkeep import Broker
    from tokenkeep.httpx import TokenkeepAuth

    auth = TokenkeepAuth(Broker(), "microsoft", allowed_hosts=["graph.microsoft.com"])
    with httpx.Client(auth=auth) as client:
        me = client.get("https://graph.microsoft.com/v1.0/me").json()

An `httpx.AsyncClient` wants the same with an `AsyncBroker`. httpx is installed by `pip install 'tokenkeep[httpx]'`.

May not enter: a decision about a token, a refusal or a host. Those are the core's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import AllowedHosts, AsyncBroker, Broker

try:
    import httpx
except ImportError as _error:
    raise ImportError("tokenkeep.httpx needs httpx: pip install 'tokenkeep[httpx]'") from _error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
    from typing import TypedDict

    from . import AccessToken

    class _Proven(TypedDict):
        provider: str
        connection: str
        method: str
        url: str
        access_token: str
        nonce: str | None

__all__ = ["TokenkeepAuth"]


class TokenkeepAuth(httpx.Auth):
    """Sends a connection's token with every request, to the hosts of `allowed_hosts` alone (see `AllowedHosts`); where
    none are named, to those of `Broker.allowed_hosts`.

    A request to another host raises `ConfigInvalidError` and is not sent. A redirect is followed as httpx does it:
    without the token once it leaves the origin, and in any case without one that has a header of its own.

    A request that is answered 401 is repeated once, with the token of `Broker.token_after_refusal`; when there is none,
    the answer is the caller's. So it is when the body was a stream, a file or a form with files, which is not at hand
    any more; the next request has the new token. A token that is bound to a key has its proof beside it, with the nonce
    that the API wants in it. Whatever else fails is a `TokenkeepError`.
    """

    def __init__(
        self,
        broker: Broker | AsyncBroker,
        provider: str,
        *,
        allowed_hosts: Iterable[str] | None = None,
        connection: str | None = None,
        scopes: str | Sequence[str] | None = None,
        resource: str | None = None,
    ) -> None:
        self._broker = broker
        self._provider = provider
        self._hosts = None if allowed_hosts is None else AllowedHosts(allowed_hosts)
        self._connection = connection
        self._scopes = scopes
        self._resource = resource

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """For `httpx.Client`."""
        broker = self._broker
        if not isinstance(broker, Broker):
            raise TypeError(
                "an httpx.Client wants a TokenkeepAuth of a Broker, and this one is of an AsyncBroker"
            )

        def authorized(request: httpx.Request, token: AccessToken, nonce: str | None = None) -> httpx.Request:
            proof = broker.dpop_proof(**_proven(request, token, nonce)) if _wants_proof(token) else None
            return _authorized(request, token, proof)

        _require(
            self._hosts
            or broker.allowed_hosts(self._provider, connection=self._connection, resource=self._resource),
            request,
        )
        token = broker.token(
            self._provider, connection=self._connection, scopes=self._scopes, resource=self._resource
        )
        response = yield authorized(request, token)
        if not _refuses(response, token):
            return
        another = broker.token_after_refusal(
            self._provider,
            refused=token.secret,
            www_authenticate=_challenges(response),
            connection=self._connection,
            scopes=self._scopes,
            resource=self._resource,
        )
        if another is not None and _can_be_repeated(response.request):
            yield authorized(response.request, another, _nonce(response))

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """For `httpx.AsyncClient`. A `Broker` is refused here, because its refresh would hold up the event loop."""
        broker = self._broker
        if not isinstance(broker, AsyncBroker):
            raise TypeError(
                "an httpx.AsyncClient wants a TokenkeepAuth of an AsyncBroker, and this one is of a Broker"
            )

        async def authorized(
            request: httpx.Request, token: AccessToken, nonce: str | None = None
        ) -> httpx.Request:
            proof = await broker.dpop_proof(**_proven(request, token, nonce)) if _wants_proof(token) else None
            return _authorized(request, token, proof)

        _require(
            self._hosts
            or await broker.allowed_hosts(
                self._provider, connection=self._connection, resource=self._resource
            ),
            request,
        )
        token = await broker.token(
            self._provider, connection=self._connection, scopes=self._scopes, resource=self._resource
        )
        response = yield await authorized(request, token)
        if not _refuses(response, token):
            return
        another = await broker.token_after_refusal(
            self._provider,
            refused=token.secret,
            www_authenticate=_challenges(response),
            connection=self._connection,
            scopes=self._scopes,
            resource=self._resource,
        )
        if another is not None and _can_be_repeated(response.request):
            yield await authorized(response.request, another, _nonce(response))


class _ForThisRequest(httpx.Headers):
    """Headers with one more, which is sent and not copied. httpx copies those of a request to wherever a redirect leads,
    and takes `Authorization` alone off on the way."""

    def __init__(self, headers: httpx.Headers, name: str, value: str) -> None:
        super().__init__(headers)
        self._own = (name, value)

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        name, value = self._own
        return [*super().raw, (name.encode("ascii"), value.encode("ascii"))]


def _require(hosts: AllowedHosts, request: httpx.Request) -> None:
    # `raw_host` is what httpx connects to.
    hosts.require(request.url.scheme, request.url.raw_host.decode("ascii"), request.url.port)


def _authorized(request: httpx.Request, token: AccessToken, proof: str | None) -> httpx.Request:
    if token.header_name == "Authorization":
        request.headers["Authorization"] = token.authorization_header()
    else:
        request.headers = _ForThisRequest(request.headers, token.header_name, token.authorization_header())
    if proof is not None:
        request.headers["DPoP"] = proof
    return request


def _wants_proof(token: AccessToken) -> bool:
    return token.token_type == "DPoP"


def _proven(request: httpx.Request, token: AccessToken, nonce: str | None) -> _Proven:
    return {
        "provider": token.provider,
        "connection": token.connection,
        "method": request.method,
        "url": str(request.url),
        "access_token": token.secret,
        "nonce": nonce,
    }


def _refuses(response: httpx.Response, token: AccessToken) -> bool:
    """False for the 401 of one who did not get the token, because a redirect led there."""
    headers = response.request.headers
    carried = isinstance(headers, _ForThisRequest) or (
        headers.get("Authorization") == token.authorization_header()
    )
    return response.status_code == 401 and carried


def _challenges(response: httpx.Response) -> list[str]:
    return response.headers.get_list("WWW-Authenticate")


def _nonce(response: httpx.Response) -> str | None:
    """RFC 9449 9: what the API wants in the next proof."""
    return response.headers.get("DPoP-Nonce")


def _can_be_repeated(request: httpx.Request) -> bool:
    return isinstance(request.stream, httpx.ByteStream)
