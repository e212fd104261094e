"""How programs use the adapters, for the type checkers of `test_types.py`. It is not run."""

import httpx
import requests
import tokenkeep.azure
import tokenkeep.azure.aio
import tokenkeep.google
import tokenkeep.httpx
import tokenkeep.requests
from azure.core.credentials import AccessToken, SupportsTokenInfo, TokenCredential
from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential
from google.auth.credentials import Credentials
from tokenkeep import AllowedHosts, AsyncBroker, Broker

GRAPH = "https://graph.microsoft.com"


def azure(broker: Broker, provider: str) -> AccessToken:
    with tokenkeep.azure.TokenkeepCredential(broker, provider, connection="work") as credential:
        older: TokenCredential = credential
        newer: SupportsTokenInfo = credential
        assert newer.get_token_info(GRAPH, options={"claims": "{}"}).expires_on > 0
        return older.get_token(GRAPH, claims="{}")


async def azure_async(broker: AsyncBroker) -> AccessToken:
    async with tokenkeep.azure.aio.TokenkeepCredential(broker, "microsoft") as credential:
        older: AsyncTokenCredential = credential
        newer: AsyncSupportsTokenInfo = credential
        assert (await newer.get_token_info(GRAPH)).token
        return await older.get_token(GRAPH)


def with_httpx(broker: Broker) -> int:
    auth = tokenkeep.httpx.TokenkeepAuth(
        broker, "microsoft", allowed_hosts=["graph.microsoft.com"], scopes="a b"
    )
    with httpx.Client(auth=auth) as client:
        return client.get(GRAPH).status_code


async def with_httpx_async(broker: AsyncBroker) -> int:
    auth = tokenkeep.httpx.TokenkeepAuth(
        broker, "microsoft", allowed_hosts={"graph.microsoft.com"}, scopes=["a"]
    )
    async with httpx.AsyncClient(auth=auth) as client:
        return (await client.get(GRAPH)).status_code


def with_requests(broker: Broker) -> int:
    auth = tokenkeep.requests.TokenkeepAuth(broker, "microsoft", allowed_hosts=["*.sharepoint.com"])
    return requests.get(GRAPH, auth=auth, timeout=5).status_code


def to_a_resource(broker: Broker, url: str) -> int:
    auth = tokenkeep.httpx.TokenkeepAuth(broker, "mcp", resource=url)
    with httpx.Client(auth=auth) as client:
        client.get(url)
    return requests.get(url, auth=tokenkeep.requests.TokenkeepAuth(broker, "mcp", resource=url), timeout=5).status_code


def google(broker: Broker) -> Credentials:
    return tokenkeep.google.TokenkeepCredentials(broker, "google", connection="work", scopes=["openid"])


def my_own(hosts: AllowedHosts) -> bool:
    hosts.require("https", "graph.microsoft.com")
    return hosts.allow("http", "127.0.0.1", 8080)
