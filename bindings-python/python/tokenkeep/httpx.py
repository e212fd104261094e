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

    from . import AccessToken

__all__ = ["TokenkeepAuth"]


class TokenkeepAuth(httpx.Auth):
    """Sends a connection's token with every request, to the hosts of `allowed_hosts` alone (see `AllowedHosts`).

    A request to another host raises `ConfigInvalidError` and is not sent. A redirect is followed as httpx does it:
    without the token once it leaves the origin.

    A request that is answered 401 is repeated once, with the token of `Broker.token_after_refusal`; when there is none,
    the answer is the caller's. So it is when the body was a stream, a file or a form with files, which is not at hand
    any more; the next request has the new token. Whatever else fails is a `TokenkeepError`.
    """

    def __init__(
        self,
        broker: Broker | AsyncBroker,
        provider: str,
        *,
        allowed_hosts: Iterable[str],
        connection: str | None = None,
        scopes: str | Sequence[str] | None = None,
    ) -> None:
        self._broker = broker
        self._provider = provider
        self._hosts = AllowedHosts(allowed_hosts)
        self._connection = connection
        self._scopes = scopes

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """For `httpx.Client`."""
        broker = self._broker
        if not isinstance(broker, Broker):
            raise TypeError(
                "an httpx.Client wants a TokenkeepAuth of a Broker, and this one is of an AsyncBroker"
            )
        self._require_allowed(request)
        token = broker.token(self._provider, connection=self._connection, scopes=self._scopes)
        response = yield _authorized(request, token)
        if not _refuses(response, token):
            return
        another = broker.token_after_refusal(
            self._provider,
            refused=token.secret,
            www_authenticate=_challenges(response),
            connection=self._connection,
            scopes=self._scopes,
        )
        if another is not None and _can_be_repeated(response.request):
            yield _authorized(response.request, another)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """For `httpx.AsyncClient`. A `Broker` is refused here, because its refresh would hold up the event loop."""
        broker = self._broker
        if not isinstance(broker, AsyncBroker):
            raise TypeError(
                "an httpx.AsyncClient wants a TokenkeepAuth of an AsyncBroker, and this one is of a Broker"
            )
        self._require_allowed(request)
        token = await broker.token(self._provider, connection=self._connection, scopes=self._scopes)
        response = yield _authorized(request, token)
        if not _refuses(response, token):
            return
        another = await broker.token_after_refusal(
            self._provider,
            refused=token.secret,
            www_authenticate=_challenges(response),
            connection=self._connection,
            scopes=self._scopes,
        )
        if another is not None and _can_be_repeated(response.request):
            yield _authorized(response.request, another)

    def _require_allowed(self, request: httpx.Request) -> None:
        # `raw_host` is what httpx connects to.
        self._hosts.require(request.url.scheme, request.url.raw_host.decode("ascii"), request.url.port)


def _authorized(request: httpx.Request, token: AccessToken) -> httpx.Request:
    request.headers["Authorization"] = token.authorization_header()
    return request


def _refuses(response: httpx.Response, token: AccessToken) -> bool:
    """False for the 401 of one who did not get the token, because a redirect led there."""
    sent = response.request.headers.get("Authorization")
    return response.status_code == 401 and sent == token.authorization_header()


def _challenges(response: httpx.Response) -> list[str]:
    return response.headers.get_list("WWW-Authenticate")


def _can_be_repeated(request: httpx.Request) -> bool:
    return isinstance(request.stream, httpx.ByteStream)
