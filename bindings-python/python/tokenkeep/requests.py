"""A connection as the authentication of requests.

    import requests
    from tokenkeep import Broker
    from tokenkeep.requests import TokenkeepAuth

    session = requests.Session()
    session.auth = TokenkeepAuth(Broker(), "microsoft", allowed_hosts=["graph.microsoft.com"])
    me = session.get("https://graph.microsoft.com/v1.0/me").json()

requests is installed by `pip install 'tokenkeep[requests]'`.

May not enter: a decision about a token, a refusal or a host. Those are the core's.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from . import AllowedHosts

try:
    from requests.auth import AuthBase
    from requests.exceptions import UnrewindableBodyError
    from requests.utils import rewind_body
except ImportError as _error:
    raise ImportError("tokenkeep.requests needs requests: pip install 'tokenkeep[requests]'") from _error

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from requests import PreparedRequest, Response

    from . import AccessToken, Broker

__all__ = ["TokenkeepAuth"]


class TokenkeepAuth(AuthBase):
    """Sends a connection's token with every request, to the hosts of `allowed_hosts` alone (see `AllowedHosts`); where
    none are named, to those of `Broker.allowed_hosts`.

    A request to another host raises `ConfigInvalidError` and is not sent. A redirect is followed as requests does it:
    without the token once it leaves the origin, and in any case without one that has a header of its own.

    A request that is answered 401 is repeated once, with the token of `Broker.token_after_refusal`; when there is none,
    the answer is the caller's. So it is when the body was a stream that cannot be rewound; the next request has the
    new token. A token that is bound to a key has its proof beside it, with the nonce that the API wants in it. Whatever
    else fails is a `TokenkeepError`.
    """

    def __init__(
        self,
        broker: Broker,
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

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Called by requests before it sends the request."""
        # This is how requests' own adapter finds out where to connect to.
        url = urlparse(request.url or "")
        hosts = self._hosts or self._broker.allowed_hosts(
            self._provider, connection=self._connection, resource=self._resource
        )
        hosts.require(url.scheme, url.hostname or "", url.port)
        token = self._broker.token(
            self._provider, connection=self._connection, scopes=self._scopes, resource=self._resource
        )
        self._authorize(request, token)
        request.register_hook("response", partial(self._answered, token))  # type: ignore[no-untyped-call]
        return request

    def _answered(self, token: AccessToken, response: Response, **options: Any) -> Response:
        """Called for the answer, and for those of the redirects; `options` are those of the sending."""
        request = response.request
        # A redirect may have led to one who did not get the token.
        is_refused = (
            response.status_code == 401
            and request.headers.get(token.header_name) == token.authorization_header()
        )
        if token.header_name != "Authorization" and (is_refused or response.is_redirect):
            # requests sends the same headers to wherever a redirect leads, and takes `Authorization` alone off.
            request.headers.pop(token.header_name, None)
        if not is_refused:
            return response
        # requests joins the headers of one name by commas, as RFC 9110 5.3 allows.
        challenges = response.headers.get("WWW-Authenticate")
        another = self._broker.token_after_refusal(
            self._provider,
            refused=token.secret,
            www_authenticate=[] if challenges is None else [challenges],
            connection=self._connection,
            scopes=self._scopes,
            resource=self._resource,
        )
        if another is None or not _rewind(request):
            return response
        repeated = request.copy()
        # RFC 9449 9: what the API wants in the next proof.
        self._authorize(repeated, another, response.headers.get("DPoP-Nonce"))
        # What is read to its end leaves its connection to the next request.
        response.content
        response.close()
        answer = response.connection.send(repeated, **options)
        answer.history.append(response)
        return answer

    def _authorize(self, request: PreparedRequest, token: AccessToken, nonce: str | None = None) -> None:
        request.headers[token.header_name] = token.authorization_header()
        if token.token_type == "DPoP":
            request.headers["DPoP"] = self._broker.dpop_proof(
                token.provider,
                connection=token.connection,
                method=request.method or "",
                url=request.url or "",
                access_token=token.secret,
                nonce=nonce,
            )


def _rewind(request: PreparedRequest) -> bool:
    """False when the body has been sent, and is not at hand any more."""
    if request.body is None or isinstance(request.body, (str, bytes)):
        return True
    try:
        rewind_body(request)
    except UnrewindableBodyError:
        return False
    return True
