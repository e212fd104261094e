"""Logs a person in to an OAuth provider, keeps the grant safe, and hands out fresh access tokens.

    import tokenkeep

    broker = tokenkeep.Broker()
    broker.login("microsoft", scopes=["User.Read"])
    token = broker.token("microsoft", scopes=["User.Read"])
    headers = {token.header_name: token.authorization_header()}

`Broker` waits, `AsyncBroker` is its twin for asyncio. Every error is a `TokenkeepError`. Durations are seconds, times
are `datetime` in UTC, and `None` leaves the choice to the library.
"""

import atexit as _atexit
import os as _os

from . import _native
from ._native import AccessToken, AllowedHosts, PendingLogin, __version__
from .async_broker import AsyncBroker
from .broker import Broker
from .errors import (
    AccessDeniedError,
    AdminConsentRequiredError,
    ConfigInvalidError,
    ConsentRequiredError,
    InteractionRequiredError,
    InternalError,
    LockTimeoutError,
    LoginCancelledError,
    LoginRequiredError,
    LoginTimedOutError,
    NetworkError,
    NotConnectedError,
    ProviderRejectedError,
    RegistrationMissingError,
    ScopeNotGrantedError,
    ServerError,
    StoreCorruptError,
    StoreLockedError,
    StoreUnavailableError,
    ThrottledError,
    TokenkeepError,
    UnknownProviderError,
    UnsupportedError,
)
from .interaction import Interaction
from .records import (
    Account,
    AdminConsent,
    AdminConsentRequest,
    Connection,
    ConnectionChange,
    Connections,
    DeviceAuthorization,
    Endpoint,
    Explanation,
    FileState,
    HeldToken,
    LogoutOutcome,
    Preset,
    Provider,
    ProviderValue,
    Providers,
    Registration,
    RegistrationRemoval,
    ScopeCheck,
    ScopeFinding,
    VaultState,
)

__all__ = [
    "AccessDeniedError",
    "AccessToken",
    "Account",
    "AdminConsent",
    "AdminConsentRequest",
    "AdminConsentRequiredError",
    "AllowedHosts",
    "AsyncBroker",
    "Broker",
    "ConfigInvalidError",
    "Connection",
    "ConnectionChange",
    "Connections",
    "ConsentRequiredError",
    "DeviceAuthorization",
    "Endpoint",
    "Explanation",
    "FileState",
    "HeldToken",
    "Interaction",
    "InteractionRequiredError",
    "InternalError",
    "LockTimeoutError",
    "LoginCancelledError",
    "LoginRequiredError",
    "LoginTimedOutError",
    "LogoutOutcome",
    "NetworkError",
    "NotConnectedError",
    "PendingLogin",
    "Preset",
    "Provider",
    "ProviderRejectedError",
    "ProviderValue",
    "Providers",
    "Registration",
    "RegistrationMissingError",
    "RegistrationRemoval",
    "ScopeCheck",
    "ScopeFinding",
    "ScopeNotGrantedError",
    "ServerError",
    "StoreCorruptError",
    "StoreLockedError",
    "StoreUnavailableError",
    "ThrottledError",
    "TokenkeepError",
    "UnknownProviderError",
    "UnsupportedError",
    "VaultState",
    "__version__",
]

# A child has none of its parent's threads; what the last line of a script leaves under way is carried to its end.
if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_native.forked)
_atexit.register(_native.close_all)
