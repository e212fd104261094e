"""What both credentials share: a token and an error of Tokenkeep's as azure-core has them.

May not enter: a decision about a token. Those are the broker's.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import TokenkeepError

try:
    from azure.core.credentials import AccessToken, AccessTokenInfo
    from azure.core.exceptions import ClientAuthenticationError
except ImportError as _error:
    raise ImportError("tokenkeep.azure needs azure-core: pip install 'tokenkeep[azure]'") from _error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .. import AccessToken as Token

# The last second of the year 9999, of a token that does not expire: azure-core wants a number.
_NEVER = 253_402_300_799


def access_token(token: Token) -> AccessToken:
    return AccessToken(token.bearer(), _expires_on(token))


def access_token_info(token: Token) -> AccessTokenInfo:
    return AccessTokenInfo(token.bearer(), _expires_on(token), token_type=token.token_type)


def _expires_on(token: Token) -> int:
    return _NEVER if token.expires_at is None else int(token.expires_at.timestamp())


@contextmanager
def azure_errors() -> Iterator[None]:
    """The clients of the SDK show a message and nothing else, so the help is in it."""
    try:
        yield
    except TokenkeepError as error:
        raise ClientAuthenticationError(message=f"{error}\n{error.help}", error=error) from error
