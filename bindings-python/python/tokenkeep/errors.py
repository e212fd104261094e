"""The exceptions of Tokenkeep: one class for every code of the core, all below `TokenkeepError`.

A class says its code and whether a retry can help, so that both can be asked without an instance. What happened and
what to do about it, the core says: nothing here makes up a text.
"""

from __future__ import annotations

# What a type checker reads, and no program imports.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

__all__ = [
    "AccessDeniedError",
    "AdminConsentRequiredError",
    "ConfigInvalidError",
    "ConsentRequiredError",
    "InteractionRequiredError",
    "InternalError",
    "LockTimeoutError",
    "LoginCancelledError",
    "LoginRequiredError",
    "LoginTimedOutError",
    "NetworkError",
    "NotConnectedError",
    "ProviderRejectedError",
    "RegistrationMissingError",
    "ScopeNotGrantedError",
    "ServerError",
    "StoreCorruptError",
    "StoreLockedError",
    "StoreUnavailableError",
    "ThrottledError",
    "TokenkeepError",
    "UnknownProviderError",
    "UnsupportedError",
]


class ServerError:
    """What the authorization server said. For people and for support requests: nothing should branch on it."""

    #: RFC 6749 5.2 `error`.
    error: str
    #: RFC 6749 5.2 `error_description`, one line, shortened.
    description: str | None
    #: Microsoft's finer division of `error`.
    suberror: str | None
    #: Microsoft's numbers.
    error_codes: list[int]
    #: Microsoft's trace id, which its support asks for.
    trace_id: str | None
    #: Microsoft's correlation id, which its support asks for.
    correlation_id: str | None

    def __init__(
        self,
        error: str,
        description: str | None = None,
        suberror: str | None = None,
        error_codes: list[int] | None = None,
        trace_id: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        self.error = error
        self.description = description
        self.suberror = suberror
        self.error_codes = error_codes or []
        self.trace_id = trace_id
        self.correlation_id = correlation_id

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if isinstance(other, ServerError) else NotImplemented

    def __repr__(self) -> str:
        return f"ServerError({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


class TokenkeepError(Exception):
    """Why a call failed. `str(error)` is what happened, in one line."""

    #: The stable code, the same in every language: `login_required` for one.
    code: str = "internal"
    #: What to do, and who must do it. May span lines. A traceback shows it, from Python 3.11 on.
    help: str = ""
    #: True when the same call may succeed later with nobody doing anything.
    retryable: bool = False

    @property
    def message(self) -> str:
        """What happened, in one line."""
        return str(self)

    @property
    def server(self) -> ServerError | None:
        """What the authorization server said, if it was the one that refused."""
        said = self.__dict__.get("server")
        return None if said is None else ServerError(**said)

    def __setstate__(self, state: dict[str, Any] | None) -> None:
        # Not by attribute, as an exception does it: some are made of what is kept when they are read.
        self.__dict__.update(state or {})


class ConfigInvalidError(TokenkeepError):
    """An option, an environment variable or a file is not of its form."""

    code = "config_invalid"


class UnknownProviderError(TokenkeepError):
    """There is no provider of that name."""

    code = "unknown_provider"


class RegistrationMissingError(TokenkeepError):
    """The provider wants a client id and none is known. The help shows what to register, and where."""

    code = "registration_missing"


class NotConnectedError(TokenkeepError):
    """Nobody has logged in to this connection."""

    code = "not_connected"


class LoginRequiredError(TokenkeepError):
    """The grant has ended; a person must log in again."""

    code = "login_required"
    #: What ended it: `grant_ended`, `no_refresh_token` or `response_lost`.
    reason: str | None = None


class LoginCancelledError(TokenkeepError):
    """The login was stopped before it was finished. What an `Interaction` raised is the `__cause__`."""

    code = "login_cancelled"


class LoginTimedOutError(TokenkeepError):
    """Nobody finished the login in time."""

    code = "login_timed_out"


class AccessDeniedError(TokenkeepError):
    """The person, or a policy, said no (RFC 6749 4.1.2.1, RFC 8628 3.5)."""

    code = "access_denied"


class ConsentRequiredError(TokenkeepError):
    """The person has not consented to what was asked."""

    code = "consent_required"


class AdminConsentRequiredError(TokenkeepError):
    """Only an administrator can consent to what was asked."""

    code = "admin_consent_required"


class InteractionRequiredError(TokenkeepError):
    """The server wants the person in front of a browser, for a policy's sake."""

    code = "interaction_required"
    #: The claims challenge, as the server gave it.
    claims: str | None = None


class ScopeNotGrantedError(TokenkeepError):
    """The grant does not hold the scopes that were asked for."""

    code = "scope_not_granted"


class ProviderRejectedError(TokenkeepError):
    """The server refused the request itself: a configuration to put right."""

    code = "provider_rejected"


class NetworkError(TokenkeepError):
    """The server could not be reached, or did not answer as OAuth does."""

    code = "network"
    retryable = True


class ThrottledError(TokenkeepError):
    """The server asked for a pause."""

    code = "throttled"
    retryable = True

    @property
    def retry_at(self) -> datetime | None:
        """When the next request may be sent, in UTC."""
        seconds = self.__dict__.get("retry_at")
        if seconds is None:
            return None
        from datetime import datetime, timezone

        return datetime.fromtimestamp(seconds, timezone.utc)


class StoreLockedError(TokenkeepError):
    """The store's key cannot be had: a locked keychain, a missing passphrase, no choice made yet."""

    code = "store_locked"


class StoreUnavailableError(TokenkeepError):
    """The store's folder or files cannot be read or written."""

    code = "store_unavailable"


class StoreCorruptError(TokenkeepError):
    """A file of the store is damaged. It is kept aside, never overwritten."""

    code = "store_corrupt"


class LockTimeoutError(TokenkeepError):
    """Another process held the connection's lock for longer than the wait allowed."""

    code = "lock_timeout"
    retryable = True


class UnsupportedError(TokenkeepError):
    """The provider or this machine cannot do what was asked."""

    code = "unsupported"


class InternalError(TokenkeepError):
    """A defect in Tokenkeep."""

    code = "internal"


#: By their codes.
CLASSES: dict[str, type[TokenkeepError]] = {kind.code: kind for kind in TokenkeepError.__subclasses__()}
