"""A connection as credentials of Google's clients.

    from google.auth.transport.requests import AuthorizedSession
    from tokenkeep import Broker
    from tokenkeep.google import TokenkeepCredentials

    session = AuthorizedSession(TokenkeepCredentials(Broker(), "google"))
    user = session.get("https://openidconnect.googleapis.com/v1/userinfo").json()

google-auth is installed by `pip install 'tokenkeep[google]'`.

May not enter: a decision about a token or a refusal. Those are the core's.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .errors import TokenkeepError

try:
    from google.auth.credentials import Credentials
    from google.auth.exceptions import RefreshError
except ImportError as _error:
    raise ImportError("tokenkeep.google needs google-auth: pip install 'tokenkeep[google]'") from _error

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence
    from typing import Any

    from . import AccessToken, Broker

__all__ = ["TokenkeepCredentials"]


class TokenkeepCredentials(Credentials):
    """A connection as `google.auth.credentials.Credentials`.

    Every request asks the broker for its token, so that a refresh or a logout elsewhere counts at once. `refresh`
    brings another token than the one at hand: Google's transports call it after a 401. Where the token goes is for
    the client that takes these credentials, as with Google's own.

    What fails is a `RefreshError`, whose message has the help, and whose `__cause__` is the `TokenkeepError`. The
    broker is not pickled, and so these are not.
    """

    def __init__(
        self,
        broker: Broker,
        provider: str,
        *,
        connection: str | None = None,
        scopes: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._broker = broker
        self._provider = provider
        self._connection = connection
        self._scopes = scopes

    def before_request(self, request: Any, method: str, url: str, headers: MutableMapping[str, str]) -> None:
        """Puts the token into `headers`."""
        self._take_current()
        self.apply(headers)  # type: ignore[no-untyped-call]

    def refresh(self, request: Any) -> None:
        """Replaces the token at hand. It stays when another is of no use: an API that refuses a token that was
        refreshed just now would refuse the next one as well. `request` is not used: the core has its own way out.
        """
        if self.token is None:
            self._take_current()
            return
        with _google_errors():
            another = self._broker.token_after_refusal(
                self._provider, refused=self.token, connection=self._connection, scopes=self._scopes
            )
            if another is not None:
                self._take(another)

    def _take_current(self) -> None:
        with _google_errors():
            self._take(self._broker.token(self._provider, connection=self._connection, scopes=self._scopes))

    def _take(self, token: AccessToken) -> None:
        self.token = token.bearer()
        # Google's clients compare it with a time that has no zone and is meant in UTC.
        self.expiry = token.expires_at and token.expires_at.replace(tzinfo=None)


@contextmanager
def _google_errors() -> Iterator[None]:
    """Google's clients show a message and nothing else, so the help is in it."""
    try:
        yield
    except TokenkeepError as error:
        told = f"{error}\n{error.help}"
        raise RefreshError(told, retryable=error.retryable) from error  # type: ignore[no-untyped-call]
