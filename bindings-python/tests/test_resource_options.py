"""Connections for a protected resource, tokens that are carried in another way, and clients per issuer: what arrives of
them in Python."""

import asyncio
import json

import pytest
import tokenkeep
from tokenkeep_testing import Home, Server
from tokenkeep_testing.failure import fails


@pytest.fixture
def resource(server: Server) -> str:
    return f"{server.origin}/mcp"


def test_a_resource_names_its_connection(home: Home, server: Server, resource: str):
    broker = home.broker()
    connection = home.log_in_to(broker, resource)
    assert (connection.provider, connection.resource) == ("mcp", resource)
    assert connection.connection == f"{server.origin.removeprefix('http://').replace(':', '-')}-mcp"
    assert (connection.values, connection.api_hosts, connection.dpop) == ({}, [], False)
    assert connection == broker.connection("mcp", resource=resource)
    connection.values["mine"] = "changed"
    assert connection.values == {}

    token = broker.token("mcp", resource=resource)
    assert token == broker.cached_token("mcp", resource=resource) == broker.token("mcp", connection=connection.connection)
    assert (token.header_name, token.authorization_header()) == ("Authorization", f"Bearer {token.secret}")
    assert token.bearer() == token.secret
    refreshed = broker.token_after_refusal("mcp", refused=token.secret, resource=resource)
    assert refreshed is not None and refreshed != token
    for other in [{"resource": f"{resource}/other"}, {"connection": connection.connection, "resource": f"{resource}/other"}]:
        with pytest.raises(tokenkeep.NotConnectedError):
            broker.token("mcp", **other)
        with pytest.raises(tokenkeep.NotConnectedError):
            broker.cached_token("mcp", **other)
    assert broker.logout("mcp", resource=resource).revocation == "revoked"


def test_where_a_token_may_go_is_known_of_a_resource_and_of_an_api(home: Home, server: Server, resource: str):
    broker, host = home.broker(), server.origin.removeprefix("http://")
    home.log_in_to(broker, resource)
    assert broker.allowed_hosts("mcp", resource=resource) == tokenkeep.AllowedHosts([host])
    home.log_in(broker)
    with fails("config_invalid"):
        broker.allowed_hosts("acme")
    home.add_provider(f'{home.definition}[api]\nhosts = ["api.acme.example"]\n')
    assert broker.provider("acme").api_hosts == ["api.acme.example"]
    home.log_in(broker)
    assert broker.connection("acme").api_hosts == ["api.acme.example"]
    assert broker.allowed_hosts("acme") == tokenkeep.AllowedHosts(["api.acme.example"])


def test_the_same_for_asyncio(home: Home, server: Server, resource: str):
    home.log_in_to(home.broker(), resource)

    async def ask() -> None:
        async with home.async_broker() as broker:
            connection = await broker.connection("mcp", resource=resource)
            token = await broker.token("mcp", resource=resource)
            assert token == broker.cached_token("mcp", resource=resource)
            assert (await broker.allowed_hosts("mcp", resource=resource)).allow("http", "127.0.0.1", server.port)
            assert await broker.token_after_refusal("mcp", refused=token.secret, resource=resource) != token
            with fails("unsupported"):
                await broker.dpop_proof("mcp", resource=resource, method="GET", url=resource)
            pending = await broker.begin_login(
                "mcp", resource=resource, client_id="public", redirect_uri="http://127.0.0.1/callback"
            )
            assert "resource=" in pending.authorization_url
            assert (await broker.logout("mcp", resource=resource)).connection == connection.connection

    asyncio.run(ask())


def test_a_token_goes_into_the_header_that_its_api_wants(home: Home):
    home.add_provider(f'{home.definition}[api]\nheader = "X-Acme-Token"\nscheme = ""\n')
    broker = home.broker()
    home.log_in(broker)
    token = broker.token("acme")
    assert (token.header_name, token.authorization_header()) == ("X-Acme-Token", token.secret)
    for refused in [token.bearer, lambda: token.sasl("xoauth2", "me")]:
        with fails("unsupported") as failure:
            refused()
        assert token.secret not in f"{failure.value} {failure.value.help}"


def test_clients_are_stored_for_one_issuer(home: Home, server: Server):
    broker = home.broker()
    kept = broker.set_registration("mcp", client_id="mine", client_secret="s3cret", issuer=server.origin)
    assert (kept.issuer, kept.dynamic, kept.has_client_secret) == (server.origin, False, True)
    assert broker.registration("mcp", issuer=server.origin) == kept
    assert broker.registration("mcp", issuer="https://other.example") is None
    assert broker.remove_registration("mcp", issuer=server.origin)
    assert not broker.remove_registration("mcp", issuer=server.origin)

    async def ask() -> None:
        async with home.async_broker() as broker:
            kept = await broker.set_registration("mcp", client_id="mine", issuer=server.origin)
            assert await broker.registration("mcp", issuer=server.origin) == kept
            assert await broker.remove_registration("mcp", issuer=server.origin)

    asyncio.run(ask())


def test_a_document_makes_its_address_a_client(home: Home):
    address = "https://app.example/client.json"
    document = home.broker().client_metadata_document(address)
    assert json.loads(document)["client_id"] == address
    assert document == asyncio.run(home.async_broker().client_metadata_document(address))
    with fails("config_invalid"):
        home.broker().client_metadata_document("http://app.example")


def test_what_a_provider_says_of_itself(home: Home):
    microsoft = home.broker().provider("microsoft")
    assert microsoft.confidence in ("high", "medium", "low") and microsoft.documentation.startswith("https://")
    home.add_provider(f'{home.definition}[values.sub_domain]\ndescription = "Your subdomain"\ndefault = "www"\n')
    (value,) = home.broker().provider("acme").values
    assert isinstance(value, tokenkeep.ProviderValue)
    assert (value.name, value.description, value.default, value.learnt) == ("sub_domain", "Your subdomain", "www", False)
