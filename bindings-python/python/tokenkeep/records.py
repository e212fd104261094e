"""What a broker answers besides a token: records, which hold no secrets and cannot be changed.

Times are `datetime` in UTC, durations are seconds, what is absent is `None`.
"""

from __future__ import annotations

from ._native import exception

# What a type checker reads, and no program imports.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Any, ClassVar, Literal, NoReturn

    from .errors import TokenkeepError

__all__ = [
    "Account",
    "AdminConsent",
    "AdminConsentRequest",
    "Connection",
    "ConnectionChange",
    "Connections",
    "DeviceAuthorization",
    "Endpoint",
    "Explanation",
    "FileState",
    "HeldToken",
    "LogoutOutcome",
    "Preset",
    "Provider",
    "ProviderValue",
    "Providers",
    "Registration",
    "RegistrationRemoval",
    "ScopeCheck",
    "ScopeFinding",
    "VaultState",
]


def _time(seconds: int) -> datetime:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(seconds, timezone.utc)


class _Record:
    """The members of a record of the core, by their names there. A list or a dict that is read is the caller's own."""

    __slots__ = ("_members",)
    _members: dict[str, Any]

    #: What is made of a member, or of each in a list of them.
    _made: ClassVar[dict[str, Callable[[Any], Any]]] = {}

    def __init__(self, members: dict[str, Any]) -> None:
        for name, make in self._made.items():
            member = members[name]
            if isinstance(member, list):
                members[name] = [make(one) for one in member]
            elif member is not None:
                members[name] = make(member)
        object.__setattr__(self, "_members", members)

    def __getattr__(self, name: str) -> Any:
        if name not in type(self).__annotations__:
            raise AttributeError(f"a {type(self).__name__} has no {name!r}")
        member = self._members[name]
        return member.copy() if isinstance(member, (list, dict)) else member

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def __eq__(self, other: object) -> bool:
        return self._members == other._members if isinstance(other, type(self)) else NotImplemented

    def __repr__(self) -> str:
        members = ", ".join(f"{name}={self._members[name]!r}" for name in type(self).__annotations__)
        return f"{type(self).__name__}({members})"


class Account(_Record):
    """Whose grant it is."""

    #: OIDC `sub`: unique and lasting within the issuer.
    subject: str | None
    #: OIDC `iss` of the id_token.
    issuer: str | None
    #: A name for people: `preferred_username`, else `email`, else `name`.
    username: str | None
    #: Microsoft's `tid`: the tenant that signed the person in.
    tenant_id: str | None
    #: Microsoft's `oid`: the person within that tenant.
    object_id: str | None
    #: Microsoft's `uid.utid`: the account itself, whichever tenant it visits.
    home_account_id: str | None
    #: True when the person is a guest of that tenant: their home is another one.
    guest: bool


class HeldToken(_Record):
    """What a connection holds for one resource, without the token."""

    #: The resource, at a provider that tells resources apart.
    resource: str | None
    #: What it grants.
    scopes: list[str]
    #: When it ends; `None` when it does not expire.
    expires_at: datetime | None

    _made = {"expires_at": _time}


class Connection(_Record):
    """One connection, without its secrets."""

    #: Its provider.
    provider: str
    #: Its name: `default` when none was given.
    connection: str
    #: Whether the grant works.
    status: Literal["connected", "login_required"]
    #: Why a login is required: `grant_ended`, `no_refresh_token` or `response_lost`.
    login_required: str | None
    #: Whose grant it is.
    account: Account
    #: What was asked for.
    requested_scopes: list[str]
    #: What was granted.
    granted_scopes: list[str]
    #: What was asked for and not granted (RFC 6749 3.3), as the provider compares scopes.
    missing_scopes: list[str]
    #: When the access token at hand ends; `None` when it does not expire.
    expires_at: datetime | None
    #: The access tokens at hand, one for each resource; the first is that of a call that names no scopes.
    access_tokens: list[HeldToken]
    #: True for app-only access: the grant is the client's own, and nobody logs in.
    application: bool
    #: When the client secret or certificate that the client proves itself with ends, where that is known.
    credential_expires_at: datetime | None
    #: What the client said that it can do (Microsoft).
    client_capabilities: list[str]
    #: True when the access token can be replaced without the person.
    has_refresh_token: bool
    #: The client that it was made with.
    client_id: str
    #: The issuer, when it is known.
    issuer: str | None
    #: The protected resource that it is for (RFC 8707).
    resource: str | None
    #: What differs from customer to customer, as it was said at the login or learnt from the server.
    values: dict[str, str]
    #: The hosts of the provider's API.
    api_hosts: list[str]
    #: True when its tokens are bound to a key (RFC 9449).
    dpop: bool
    #: Microsoft's tenant, as it was asked for.
    tenant: str | None
    #: When the person logged in.
    logged_in_at: datetime
    #: When it was last refreshed.
    refreshed_at: datetime | None

    _made = {
        "account": Account,
        "access_tokens": HeldToken,
        "expires_at": _time,
        "credential_expires_at": _time,
        "logged_in_at": _time,
        "refreshed_at": _time,
    }


class ConnectionChange(_Record):
    """What became of a connection."""

    #: It is there, since before the stream began or by a login; something of it is not what it was; or it is gone.
    kind: Literal["appeared", "changed", "disappeared"]
    #: The connection as it now is; as it last was, when it is gone.
    connection: Connection

    _made = {"connection": Connection}


class Connections(_Record):
    """All connections of a store."""

    #: Those that can be read, sorted by name.
    connections: list[Connection]
    #: One error for each file that cannot. They are kept.
    damaged: list[TokenkeepError]

    _made = {"connections": Connection, "damaged": exception}


class LogoutOutcome(_Record):
    """What a logout did."""

    #: The provider of the connection that is gone from the store.
    provider: str
    #: Its name.
    connection: str
    #: What became of the grant at the server. After `failed` it may still be good there.
    revocation: Literal["revoked", "already_ended", "not_supported", "failed"]
    #: What a person can do where revocation is not supported; why it failed.
    detail: str | None


class Endpoint(_Record):
    """Where codes, tokens or client secrets of a provider go; or the origin of a cloud."""

    #: Its name in the definition.
    name: str
    #: Its URL; `{cloud}` and `{tenant}` are not filled in.
    url: str


class Preset(_Record):
    """A name for what people want. A list of scopes may hold it, in place of what it stands for."""

    #: The name.
    name: str
    #: The scopes that it stands for.
    scopes: list[str]


class ProviderValue(_Record):
    """A value that differs from customer to customer: `{NAME}` stands for it in an endpoint or a host."""

    #: Its name, in `values` of a login and of a connection.
    name: str
    #: What it is.
    description: str
    #: What it is when nobody says.
    default: str | None
    #: True when it is learnt from the server, and nobody is asked for it.
    learnt: bool


class Provider(_Record):
    """A provider that can be logged in to."""

    #: The name that people type.
    name: str
    #: The name that people read.
    display_name: str
    #: The environment variable that programs expect the access token in.
    access_token_variable: str
    #: Where codes, tokens and client secrets go, then the clouds.
    endpoints: list[Endpoint]
    #: The hosts of its API; `{NAME}` stands for a value.
    api_hosts: list[str]
    #: What differs from customer to customer.
    values: list[ProviderValue]
    #: How well public documentation bears out the definition.
    confidence: Literal["high", "medium", "low"]
    #: Where the provider's own documentation is.
    documentation: str | None
    #: The names that its scopes go by.
    presets: list[Preset]
    #: True when the endpoints come from the metadata of the issuer that is named at login.
    discovery: bool
    #: Whose definition it is.
    origin: Literal["bundled", "user"]
    #: The user's own file.
    file: str | None
    #: Its definition, as the file has it.
    definition: str

    _made = {"endpoints": Endpoint, "values": ProviderValue, "presets": Preset}


class Providers(_Record):
    """All providers."""

    #: Those whose definition can be read, by name.
    providers: list[Provider]
    #: One error for each definition that cannot.
    damaged: list[TokenkeepError]

    _made = {"providers": Provider, "damaged": exception}


class ScopeFinding(_Record):
    """One odd thing about a list of scopes."""

    #: There would be no refresh token; another one in the list includes it; a token is for one resource; only an
    #: administrator can consent to it; `.default` stands beside no other scope of a resource; there is no such preset.
    kind: Literal[
        "offline_access_missing",
        "covered",
        "several_resources",
        "admin_consent_needed",
        "default_beside_others",
        "unknown_preset",
    ]
    #: The scopes that it is about.
    scopes: list[str]
    #: What it is, in a sentence.
    message: str
    #: What to do about it.
    help: str


class ScopeCheck(_Record):
    """What a list of scopes comes to."""

    #: The scopes, with the provider's presets in it replaced by what they stand for.
    scopes: list[str]
    #: The resources that they are for, at a provider whose scopes name theirs.
    resources: list[str]
    #: What is odd. None of it stops a login that the provider would accept.
    findings: list[ScopeFinding]

    _made = {"findings": ScopeFinding}


class Explanation(_Record):
    """What one error code means. For people: no program branches on it."""

    #: As it is searched for: `AADSTS65001`.
    code: str
    #: Microsoft's short name of it.
    name: str
    #: What happened, in a sentence.
    meaning: str
    #: Who must act: `user`, `developer`, `administrator`, `service` or `nobody`.
    who: str
    #: What they must do, in a sentence.
    remedy: str
    #: What to type, where a command is part of it. Words in capitals are to be filled in.
    command: str | None


class AdminConsentRequest(_Record):
    """A consent that is asked of an administrator."""

    #: Where to send the administrator.
    url: str
    #: What the answer must carry: it ties the answer to this request.
    state: str
    #: Where they are sent afterwards.
    redirect_uri: str


class AdminConsent(_Record):
    """A consent that was given."""

    #: The organization, as the answer has it. Anybody could have written it: it is no proof.
    tenant: str | None
    #: What was consented to.
    scopes: list[str]


class Registration(_Record):
    """A stored client registration, without its secret."""

    #: The provider that it is for.
    provider: str
    #: The issuer that it is for, at a provider whose servers are discovered.
    issuer: str | None
    #: RFC 6749 2.2.
    client_id: str
    #: True when the server made it because it was asked to (RFC 7591).
    dynamic: bool
    #: True when a client secret is stored with it.
    has_client_secret: bool
    #: When it was stored.
    stored_at: datetime

    _made = {"stored_at": _time}


class RegistrationRemoval(_Record):
    """What the removal of a stored client registration did."""

    #: The provider whose registration is gone from the store.
    provider: str
    #: The issuer that it was for, at a provider whose servers are discovered.
    issuer: str | None
    #: What became of the client at the server: one that the user registered is `not_managed` from here.
    deletion: Literal["deleted", "not_managed", "failed"]
    #: Why it failed.
    detail: str | None


class FileState(_Record):
    """A folder or a file of a store."""

    #: Where it is.
    path: str
    #: Its permission bits, where the system has them.
    mode: int | None
    #: True when other users may do something with it.
    open_to_others: bool


class VaultState(_Record):
    """What was found at a store's home."""

    #: The folder.
    home: str
    #: The folders and files that exist, and how open they are.
    files: list[FileState]
    #: The store's id, which names its keychain item; `None` when there is no store.
    id: str | None
    #: Where the key is kept.
    key_source: Literal["keychain", "passphrase", "file"] | None
    #: Whether the key can be had; `asked`: it is a passphrase, which nobody was asked for.
    key: Literal["no_vault", "found", "asked", "missing"]
    #: Why the key cannot be had, or the store cannot be looked at.
    key_error: TokenkeepError | None
    #: How many connections there are, readable or not.
    connections: int
    #: How many client registrations there are.
    registrations: int
    #: Damaged files that were kept aside.
    kept_aside: list[str]
    #: Why there is no keychain; `None` when it answers.
    keychain_error: TokenkeepError | None

    _made = {"files": FileState, "key_error": exception, "keychain_error": exception}


class DeviceAuthorization(_Record):
    """What a person must see and do for the device code flow (RFC 8628 3.3)."""

    __slots__ = ()

    #: Where to go, on any device.
    verification_uri: str
    #: What to enter there.
    user_code: str
    #: The same address with the code in it, where the server gives one. Fit for a QR code.
    verification_uri_complete: str | None
    #: The server's own words, in the person's language (Microsoft).
    message: str | None
    #: Seconds until the code is worth nothing.
    expires_in: int
