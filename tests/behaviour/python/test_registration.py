"""Clients that nobody registers by hand, and whose client is whose."""

import asyncio
import json
from typing import List
from urllib.parse import parse_qs, urlsplit

import pytest
import tokenkeep
from tokenkeep_testing import Person, Server, Stage, person
from tokenkeep_testing.failure import fails

DOCUMENT = "https://app.example/oauth/client.json"
SECRET = "s3cret:with%special+chars &="


def last_client(stage: Stage) -> str:
    """The client of the last authorization request."""
    client: str = stage.server.asked_at("authorize")[-1]["client_id"]
    return client


def registration(stage: Stage) -> "tokenkeep.Registration | None":
    """The stored client."""
    return stage.broker().registration(stage.provider, issuer=stage.server.issuer)


def remove(stage: Stage) -> tokenkeep.RegistrationRemoval:
    """Removes the stored client, which is there, and is not any more afterwards."""
    removed = stage.broker().remove_registration(stage.provider, issuer=stage.server.issuer)
    assert removed is not None and registration(stage) is None
    assert (removed.provider, removed.issuer) == (stage.provider, stage.server.issuer)
    return removed


def test_client_is_registered_by_program(mcp: Stage) -> None:
    # Two logins at once make one client, which later ones take as well.
    mcp.server.push_fault({"endpoint": "register", "action": {"type": "delay", "milliseconds": 1500}})

    async def together() -> List[tokenkeep.Connection]:
        async with mcp.async_broker() as one, mcp.async_broker() as other:
            logins = (
                broker.login("mcp", flow="pkce", interaction=Person(), connection=name, **mcp.named)
                for broker, name in ((one, "a"), (other, "b"))
            )
            return await asyncio.gather(*logins)

    clients = {connection.client_id for connection in asyncio.run(together())}
    clients |= {mcp.login(connection=name).client_id for name in ("c", "a")}
    assert clients == set(mcp.server.registered_clients()) == {last_client(mcp)}
    (request,) = mcp.server.asked_at("register")
    for name, value in {
        "client_name": "Tokenkeep",
        "application_type": "native",
        "redirect_uris": "http://127.0.0.1/callback",
        "token_endpoint_auth_method": "none",
    }.items():
        assert value in request["parameters"][name]
    assert not request["authorization"] and "client_credentials" not in request["parameters"]["grant_types"]
    stored = registration(mcp)
    assert stored is not None and (stored.dynamic, stored.client_id) == (True, last_client(mcp))
    assert mcp.resource(mcp.secret(connection="b", force_refresh=True)) == 200

    # What the server says counts: a client that is to prove itself does.
    for method in ("client_secret_basic", "client_secret_post"):
        with Stage("mcp") as stage:
            stage.server.change(registration={"auth_method": method, "status": 200})
            stage.login(connection="a")
            assert stage.server.asked_at("token")[-1]["client_authentication"] == method
            stored = registration(stage)
            assert stored is not None and stored.has_client_secret
            assert stage.resource(stage.secret(connection="a", force_refresh=True)) == 200


def test_registration_that_ended_is_made_anew(mcp: Stage) -> None:
    # The server says that the secret has ended, and takes it all the same, so that the first login ends well.
    ended = {
        "client_id": "confidential-basic",
        "client_secret": SECRET,
        "client_secret_expires_at": 1_600_000_000,
        "token_endpoint_auth_method": "client_secret_basic",
    }
    headers = [["content-type", "application/json"]]
    reply = {"type": "reply", "status": 201, "headers": headers, "body": json.dumps(ended)}
    mcp.server.push_fault({"endpoint": "register", "action": reply})
    assert mcp.login(connection="a").client_id == "confidential-basic"
    first = mcp.login(connection="a").client_id
    assert mcp.server.registered_clients() == [first]

    # Another redirect is another registration. One that a grant lives by stays at the server, and else it goes.
    second = mcp.login(connection="b", redirect_uri="http://localhost/callback").client_id
    assert set(mcp.server.registered_clients()) == {first, second}
    mcp.token(connection="a", force_refresh=True)
    mcp.broker().logout("mcp", connection="b")
    third = mcp.login(connection="c").client_id
    assert set(mcp.server.registered_clients()) == {first, third} and third != second

    # A client that the server forgot is known for it at the token endpoint, and the next login has another.
    mcp.server.at_redemption({"type": "error", "status": 401, "error": "invalid_client"})
    with fails("provider_rejected") as failure:
        mcp.login(connection="c")
    assert "log in again" in failure.value.help
    fourth = mcp.login(connection="c").client_id
    assert fourth not in (first, third) and fourth in mcp.server.registered_clients()


def test_registration_is_deleted_with_the_client(mcp: Stage) -> None:
    mcp.login(connection="a")
    removed = remove(mcp)
    assert (removed.deletion, removed.detail) == ("deleted", None)
    assert mcp.server.registered_clients() == []
    assert mcp.connection("a").status == "connected", "the connection keeps its own copy"
    assert mcp.broker().remove_registration("mcp", issuer=mcp.server.issuer) is None

    # Whoever logs out revokes first, as the client that is then removed.
    mcp.login(connection="a")
    assert mcp.broker().logout("mcp", connection="a").revocation == "revoked"

    async def forget() -> None:
        async with mcp.async_broker() as broker:
            removed = await broker.remove_registration("mcp", issuer=mcp.server.issuer)
            assert removed is not None and removed.deletion == "deleted"
            assert await broker.remove_registration("mcp", issuer=mcp.server.issuer) is None

    asyncio.run(forget())
    assert mcp.server.registered_clients() == []

    # The copy here goes in any case, and what became of the client is said.
    mcp.login(connection="a")
    mcp.server.push_fault({"endpoint": "register", "action": {"type": "reply", "status": 503, "body": "canary"}})
    removed = remove(mcp)
    assert removed.deletion == "failed" and removed.detail is not None
    assert "503" in removed.detail and "canary" not in repr(removed)

    mcp.server.change(registration={"management": False})
    mcp.login(connection="a")
    assert remove(mcp).deletion == "not_managed"
    assert len(mcp.server.registered_clients()) == 2


def test_client_metadata_document_is_printed(mcp: Stage) -> None:
    document = json.loads(mcp.broker().client_metadata_document(DOCUMENT))
    assert document["client_id"] == DOCUMENT
    assert document["redirect_uris"] == [
        f"http://{host}/callback" for host in ("127.0.0.1", "[::1]", "localhost")
    ]
    assert document["token_endpoint_auth_method"] == "none"
    for bad in (
        "http://app.example/client.json",
        "https://app.example",
        "https://app.example/a?b",
        "client",
    ):
        with fails("config_invalid"):
            mcp.broker().client_metadata_document(bad)
        # Said before anybody is asked, whatever the server takes.
        with fails("config_invalid"):
            mcp.login(client_metadata_url=bad)
    assert mcp.server.asked_at("authorize") == mcp.server.asked_at("register") == []


def test_client_of_one_issuer_is_never_used_at_another(
    oidc: Stage, mcp: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, one = oidc.broker(), oidc.server.issuer
    oidc.named.clear()
    with Server() as other:
        with fails("config_invalid"):
            broker.set_registration("oidc", client_id="confidential-basic", client_secret=SECRET)
        stored = broker.set_registration(
            "oidc", issuer=one, client_id="confidential-basic", client_secret=SECRET
        )
        assert (stored.issuer, stored.dynamic) == (one, False)
        oidc.login(issuer=one)
        # Neither the stored client, nor that of the connection's earlier login.
        with fails("registration_missing"):
            oidc.login(issuer=other.issuer)
        assert oidc.connection().issuer == one
        assert broker.registration("oidc", issuer=other.issuer) is None

        # Variables count with an issuer that the user names.
        monkeypatch.setenv("TOKENKEEP_OIDC_CLIENT_ID", "public")
        monkeypatch.setenv("TOKENKEEP_MCP_CLIENT_ID", "public")
        oidc.login()
        assert last_client(oidc) == "confidential-basic"
        assert oidc.login(issuer=other.issuer).client_id == "public"
        assert "confidential-basic" not in {entry["client_id"] for entry in other.journal()["entries"]}

    # A resource that moves to another server is asked for a client there, from nothing.
    mcp.login(connection="a")
    (known,) = mcp.server.registered_clients()
    with Server() as elsewhere:
        elsewhere.change(registration={"enabled": True}, resource_indicators={"known": [mcp.resource_url]})
        mcp.server.change(protected_resource={"authorization_servers": [elsewhere.issuer]})
        moved = mcp.login(connection="a")
        assert elsewhere.registered_clients() == [moved.client_id]
        heard = {entry["client_id"] for entry in elsewhere.journal()["entries"]}
        assert moved.client_id in heard and known not in heard


def test_client_is_known_by_its_document(mcp: Stage) -> None:
    mcp.server.change(client_documents={"enabled": True})
    # What is printed is what is published.
    mcp.server.publish_client_document(DOCUMENT, json.loads(mcp.broker().client_metadata_document(DOCUMENT)))
    assert mcp.login(connection="a", client_metadata_url=DOCUMENT).client_id == DOCUMENT == last_client(mcp)
    assert mcp.server.asked_at("token")[-1]["client_authentication"] == "none"
    assert mcp.resource(mcp.secret(connection="a", force_refresh=True)) == 200
    # It is remembered, and nothing is left at the server.
    assert mcp.login(connection="a").client_id == DOCUMENT
    assert mcp.server.asked_at("register") == [] and registration(mcp) is None

    # A client that was given by hand goes before it, and a server that takes no documents has a client made.
    by_hand = mcp.login(connection="b", client_metadata_url=DOCUMENT, client_id="public")
    assert by_hand.client_id == "public" == last_client(mcp)
    mcp.server.change(client_documents={"enabled": False})
    made = mcp.login(connection="c", client_metadata_url=DOCUMENT)
    assert [made.client_id] == mcp.server.registered_clients() == [last_client(mcp)]


def test_authorization_request_is_pushed(mcp: Stage, oidc: Stage) -> None:
    mcp.server.change(pushed_requests={"mode": "required"})
    under_way = mcp.begin_login(scopes="openid read")
    query = parse_qs(urlsplit(under_way.url).query)
    assert list(query) == ["client_id", "request_uri"], "the browser carries nothing else"
    (pushed,) = mcp.server.asked_at("par")
    wanted = {"state", "nonce", "code_challenge", "redirect_uri", "scope", "resource", "client_id"}
    assert wanted <= set(pushed["parameters"])
    assert pushed["parameters"]["resource"] == mcp.resource_url
    person.visit(under_way.url)
    assert under_way.finish().client_id == pushed["client_id"]

    # The client proves itself as at the token endpoint; 200 will do; a server that only offers it is taken up on it.
    server = oidc.server
    server.change(pushed_requests={"mode": "on", "lifetime": 60, "status": 200})
    for client in ("confidential-basic", "confidential-post"):
        method = client.replace("confidential", "client_secret").replace("-", "_")
        server.change(metadata={"set": {"token_endpoint_auth_methods_supported": [method]}})
        oidc.login(client_id=client, client_secret=SECRET)
        pushed = server.asked_at("par")[-1]
        assert (pushed["client_authentication"], pushed["client_id"]) == (method, client)
    before = len(server.asked_at("authorize"))
    for action, code in (
        ({"type": "error", "status": 400, "error": "invalid_request"}, "provider_rejected"),
        ({"type": "error", "status": 401, "error": "invalid_client"}, "provider_rejected"),
        ({"type": "reply", "status": 201, "body": '{"expires_in":60}'}, "provider_rejected"),
        ({"type": "reply", "status": 503, "body": "canary"}, "network"),
    ):
        server.push_fault({"endpoint": "par", "action": action})
        with fails(code):
            oidc.login()
    server.change(
        pushed_requests={"mode": "required"}, metadata={"remove": ["pushed_authorization_request_endpoint"]}
    )
    with fails("unsupported") as failure:
        oidc.login()
    assert "pushed_authorization_request_endpoint" in failure.value.help
    assert len(server.asked_at("authorize")) == before, "nobody was asked"
