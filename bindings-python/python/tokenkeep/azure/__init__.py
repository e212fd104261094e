"""A connection as a credential of the Azure SDK: every client of the SDK and of Microsoft Graph takes it.

    from azure.storage.blob import BlobServiceClient
    from tokenkeep import Broker
    from tokenkeep.azure import TokenkeepCredential

    credential = TokenkeepCredential(Broker(), "microsoft")
    client = BlobServiceClient("https://example.blob.core.windows.net", credential=credential)

`tokenkeep.azure.aio` has its twin for asyncio. Both want azure-core: `pip install 'tokenkeep[azure]'`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._convert import access_token, access_token_info, azure_errors

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from typing_extensions import Self

    from .. import AccessToken as Token
    from .. import Broker

__all__ = ["TokenkeepCredential"]


class TokenkeepCredential:
    """A connection as a `TokenCredential` of azure-core.

    The scopes that a client asks for must be granted to the connection; `https://graph.microsoft.com/.default` stands
    for all that was granted there. A claims challenge is met by one refresh with its claims.

    What fails is a `ClientAuthenticationError`, whose message has the help, and whose `inner_exception` is the
    `TokenkeepError`. The broker is the caller's: to close the credential leaves it open.
    """

    def __init__(self, broker: Broker, provider: str, *, connection: str | None = None) -> None:
        self._broker = broker
        self._provider = provider
        self._connection = connection

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **options: Any,
    ) -> AccessToken:
        """A token that is granted `scopes`, and that was asked for with `claims`.

        The tenant was chosen at the login: `tenant_id` changes nothing. Nor does `enable_cae`: claims challenges are
        met in any case.
        """
        with azure_errors():
            return access_token(self._token(scopes, claims))

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """The same, as newer clients of the SDK ask for it."""
        with azure_errors():
            return access_token_info(self._token(scopes, (options or {}).get("claims")))

    def _token(self, scopes: tuple[str, ...], claims: str | None) -> Token:
        return self._broker.token(
            self._provider, connection=self._connection, scopes=scopes, claims=claims
        )

    def close(self) -> None:
        """Nothing is held that could be closed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()
