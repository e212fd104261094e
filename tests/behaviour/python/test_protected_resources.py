"""Protected resources: a login that is told nothing but the address of one, and tokens that are for it alone."""

import asyncio
from functools import partial
from typing import Any, Dict, Iterator, List, Optional
from urllib.parse import parse_qs, urlsplit

import pytest
import tokenkeep
from tokenkeep_testing import Server, Stage, person
from tokenkeep_testing.failure import fails

UNKNOWN = "https://unknown.example/mcp"


@pytest.fixture
def mcp() -> Iterator[Stage]:
    """An MCP server whose client is one that the person has registered: none is registered by program."""
    with by_hand() as stage:
        yield stage


def by_hand() -> Stage:
    """The same for a test that wants several."""
    stage = Stage("mcp")
    stage.server.change(registration={"enabled": False})
    stage.named["client_id"] = "public"
    return stage


def scopes_asked(stage: Stage) -> Optional[str]:
    """The scopes of the last authorization request."""
    scopes: Optional[str] = stage.server.asked_at("authorize")[-1]["parameters"].get("scope")
    return scopes


def assert_named(entries: List[Dict[str, Any]], resource: str) -> None:
    """Each of these requests, of which there are some, names the resource."""
    assert entries
    assert {entry["parameters"].get("resource") for entry in entries} == {resource}


@pytest.mark.parametrize("place", ["path", "root", "elsewhere", "nowhere"])
def test_login_to_a_resource_finds_its_server(mcp: Stage, place: str) -> None:
    server, address = mcp.server, mcp.resource_url
    server.change(protected_resource={"place": place})
    # No connection is named: the resource stands for one.
    connection = mcp.login()
    assert (connection.issuer, connection.resource) == (server.issuer, address)
    assert mcp.connection(connection.connection) == connection
    token = mcp.token(resource=address)
    assert (token.resource, token.connection) == (address, connection.connection)
    assert mcp.resource(token.secret) == 200
    # Asked once, without a token, and told where to look.
    assert [entry["authorization"] for entry in server.asked_at("resource")] == [False, True]
    assert mcp.token(resource=address, force_refresh=True) != token
    # What the login found is in the record: nothing is looked up for a token.
    assert len(server.asked_at("metadata")) == 1

    # What the origin calls itself as an issuer nobody has written down: a slash more is no mismatch there.
    server.change(metadata={"set": {"issuer": f"{server.origin}/"}})
    begin = partial(mcp.broker().begin_login, "mcp", redirect_uri="http://127.0.0.1:9/callback", **mcp.named)
    if place == "nowhere":
        assert begin().authorization_url.startswith(server.origin)
    else:
        with fails("provider_rejected"):
            begin()
    server.change(metadata={"set": {}})

    # A token is for the resource that it was asked for, and for no other.
    other = f"{address}/other"
    for force_refresh in (False, True):
        with fails("not_connected") as failure:
            mcp.token(resource=other, connection=connection.connection, force_refresh=force_refresh)
        command = f"`tokenkeep login --connection {connection.connection} --resource {other}`"
        assert command in failure.value.help
    with fails("not_connected") as failure:
        mcp.token(resource=other)
    assert f"`tokenkeep login --resource {other}`" in failure.value.help

    async def ask() -> tokenkeep.AccessToken:
        async with mcp.async_broker() as broker:
            with fails("not_connected"):
                await broker.token("mcp", resource=other)
            token = await broker.token("mcp", resource=address)
            assert broker.cached_token("mcp", resource=address) == token
            return token

    assert asyncio.run(ask()) == mcp.token(resource=address)

    # A name that two resources come to is not taken from the first without a word.
    alike, again = (f"{server.origin}/{path}" for path in ("mcp?a", "mcp-a"))
    server.change(protected_resource={"place": "root", "resource": server.origin})
    mcp.login(resource=alike)
    with fails("config_invalid") as failure:
        mcp.login(resource=again)
    assert "--connection NAME" in failure.value.help
    # The host's own document may speak for it, and the person's spelling still finds the connection.
    assert mcp.token(resource=alike).resource == server.origin
    with fails("not_connected"):
        mcp.token(resource=again)
    with fails("config_invalid") as failure:
        mcp.broker().login("mcp")
    assert "--resource" in failure.value.help


def test_resource_metadata_of_another_is_refused(mcp: Stage) -> None:
    server, own = mcp.server, mcp.server.origin
    with Server() as stranger:
        # Another host, another path, its own host where the path was asked, and what only looks the same.
        https = own.replace("http:", "https:")
        for other in (f"{stranger.origin}/mcp", f"{own}/mcp/", f"{own}/mcp/other", own, f"{https}/mcp"):
            server.change(protected_resource={"resource": other})
            with fails("provider_rejected") as failure:
                mcp.login()
            assert "that of another resource" in failure.value.message, other
        # A document of another host is not even asked for, whatever it says.
        elsewhere = f"{stranger.origin}/.well-known/oauth-protected-resource/mcp"
        server.change(protected_resource={"resource": None, "named_url": elsewhere})
        with fails("provider_rejected") as failure:
            mcp.login()
        assert stranger.origin in failure.value.message
        assert stranger.journal()["entries"] == []
    assert server.asked_at("authorize") == [] and mcp.records() == {}

    # A server in trouble does not say that there is no document: nobody else is asked in its place.
    server.change(protected_resource={"named_url": None})
    for status in (500, 503, 429):
        trouble = {"type": "reply", "status": status, "body": ""}
        server.push_fault({"endpoint": "resource_metadata", "times": 2, "action": trouble})
        with fails("network"):
            mcp.login()
    assert server.asked_at("metadata") == [] and mcp.records() == {}
    server.clear_faults()
    mcp.login()


def test_resource_is_named_in_every_request(mcp: Stage, oidc: Stage, microsoft: Stage) -> None:
    server, address = mcp.server, mcp.resource_url
    server.change(resource_indicators={"mode": "required"}, device_interval=1, device_approve_after=1)
    mcp.login(scopes="read")
    mcp.token(resource=address, force_refresh=True)
    assert len(server.refreshes()) == 1
    # A device code, and an application, which needs no scope.
    mcp.login(flow="device_code", connection="device")
    application = {"client_id": "confidential-basic", "client_secret": "s3cret:with%special+chars &="}
    mcp.login(flow="client_credentials", connection="app", **application)
    token = mcp.token(resource=address, connection="app", force_refresh=True)
    assert mcp.resource(token.secret) == 200
    own = server.asked("client_credentials")
    assert len(own) == 2 and not any("scope" in entry["parameters"] for entry in own)
    for endpoint in ("authorize", "device", "token"):
        assert_named(server.asked_at(endpoint), address)

    # Any provider takes one, if its server does; what the server does not know is said with its name.
    address = f"{oidc.server.origin}/mcp"
    assert oidc.login(resource=address).resource == address
    for endpoint in ("authorize", "token"):
        assert_named(oidc.server.asked_at(endpoint), address)
    with fails("provider_rejected") as failure:
        oidc.login(resource=UNKNOWN)
    assert UNKNOWN in failure.value.help
    with fails("config_invalid") as failure:
        microsoft.login(resource=UNKNOWN)
    assert "--scopes" in failure.value.help
    assert microsoft.server.journal()["entries"] == []


def test_scopes_of_a_challenge_are_asked_for(mcp: Stage) -> None:
    server, address = mcp.server, mcp.resource_url
    # Nobody says anything: what the server lists itself is asked for, and nothing else.
    mcp.login(connection="none")
    assert scopes_asked(mcp) == "offline_access"
    server.change(metadata={"remove": ["scopes_supported"]})
    mcp.login(connection="bare")
    assert scopes_asked(mcp) is None
    server.change(protected_resource={"scopes_supported": ["read", "offline_access"]})
    mcp.login(connection="listed")
    assert scopes_asked(mcp) == "read"
    server.change(protected_resource={"challenge_scope": "read write"})
    mcp.login(connection="challenged")
    assert scopes_asked(mcp) == "read write"
    mcp.login(connection="named", scopes="write")
    assert scopes_asked(mcp) == "write"

    # A connection that is made another resource's is asked for what that wants.
    mcp.login(connection="named", resource=f"{address}/other")
    assert scopes_asked(mcp) == "read write"
    mcp.login(connection="named", scopes="write")

    # A request that needs more is answered with the login that gets it.
    server.change(protected_resource={"required_scopes": ["admin"]})
    token = mcp.token(connection="challenged", resource=address)
    refused = person.get_with_token(address, token.secret)
    assert refused.status == 403
    refusal: Dict[str, Any] = {
        "refused": token.secret,
        "www_authenticate": refused.headers.get_all("www-authenticate"),
        "connection": "challenged",
    }
    with fails("scope_not_granted") as failure:
        mcp.broker().token_after_refusal("mcp", **refusal)
    command = f'tokenkeep login --connection challenged --resource {address} --add-scopes "admin"'
    assert command in failure.value.help
    mcp.login(connection="challenged", add_scopes="admin")
    assert scopes_asked(mcp) == "read write admin"
    # A grant that has it all is refused for another reason: no login is asked for in vain.
    assert mcp.broker().token_after_refusal("mcp", **refusal) is None
    assert mcp.resource(mcp.secret(connection="challenged")) == 200

    # A program hands on what it was answered with: the resource is not asked again.
    before = len(server.asked_at("resource"))
    pending = mcp.broker().begin_login(
        "mcp",
        connection="named",
        resource=address,
        www_authenticate=refusal["www_authenticate"],
        client_id="public",
        redirect_uri="http://127.0.0.1:9/callback",
    )
    assert parse_qs(urlsplit(pending.authorization_url).query)["scope"] == ["write admin"]
    assert len(server.asked_at("resource")) == before


def test_authorization_server_may_change(mcp: Stage) -> None:
    server, address = mcp.server, mcp.resource_url
    with Server() as second:
        second.change(resource_indicators={"known": [address]})
        assert mcp.login(scopes="read offline_access").issuer == server.issuer

        # As long as the first is listed it stays, wherever it stands; another is a person's choice.
        server.change(protected_resource={"authorization_servers": [second.issuer, server.issuer]})
        assert mcp.login().issuer == server.issuer
        with fails("config_invalid") as failure:
            mcp.login(issuer="https://other.example")
        assert second.issuer in failure.value.help
        assert second.journal()["entries"] == []

        # It moves. The grant goes back to where it came from, until a login; that takes nothing along.
        server.change(protected_resource={"authorization_servers": [second.issuer]})
        mcp.token(resource=address, force_refresh=True)
        assert second.journal()["entries"] == []
        with fails("registration_missing"):
            mcp.login(client_id=None)
        assert mcp.login().issuer == second.issuer
        before = len(server.journal()["entries"])
        mcp.token(resource=address, force_refresh=True)
        assert len(server.journal()["entries"]) == before, "the first is asked for nothing more"
        (asked,) = second.asked_at("authorize")
        assert asked["parameters"]["scope"] == "offline_access"
        assert "login_hint" not in asked["parameters"]

        # A server that does not promise S256 gets no person's login of a resource's.
        second.change(metadata={"remove": ["code_challenge_methods_supported"]})
        with fails("unsupported") as failure:
            mcp.login()
        assert "S256" in failure.value.message
