"""A connection as a credential of the Azure SDK's clients for asyncio, and of Microsoft Graph's.

    from msgraph import GraphServiceClient
    from tokenkeep import AsyncBroker
    from tokenkeep.azure.aio import TokenkeepCredential

    async def subjects():
        async with AsyncBroker() as broker:
            client = GraphServiceClient(TokenkeepCredential(broker, "microsoft"))
            page = await client.me.messages.get()
            return [message.subject for message in page.value]

It wants azure-core: `pip install 'tokenkeep[azure]'`.
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
    from .. import AsyncBroker

__all__ = ["TokenkeepCredential"]


class TokenkeepCredential:
    """A connection as an `AsyncTokenCredential` of azure-core: the twin of `tokenkeep.azure.TokenkeepCredential`."""

    def __init__(self, broker: AsyncBroker, provider: str, *, connection: str | None = None) -> None:
        self._broker = broker
        self._provider = provider
        self._connection = connection

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **options: Any,
    ) -> AccessToken:
        """A token that is granted `scopes`, and that was asked for with `claims`."""
        with azure_errors():
            return access_token(await self._token(scopes, claims))

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """The same, as newer clients of the SDK ask for it."""
        with azure_errors():
            return access_token_info(await self._token(scopes, (options or {}).get("claims")))

    async def _token(self, scopes: tuple[str, ...], claims: str | None) -> Token:
        return await self._broker.token(
            self._provider, connection=self._connection, scopes=scopes, claims=claims
        )

    async def close(self) -> None:
        """Nothing is held that could be closed."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
