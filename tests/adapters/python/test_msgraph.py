"""The client of Microsoft Graph reads mail with a connection's tokens."""

import asyncio
import json
from typing import Any

import httpx
import pytest
import tokenkeep
import tokenkeep.azure
import tokenkeep.azure.aio
from azure.core.exceptions import ClientAuthenticationError
from kiota_abstractions.api_error import APIError
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.graph_request_adapter import options
from msgraph_core import GraphClientFactory
from msgraph_core.authentication import AzureIdentityAuthenticationProvider
from stage import CLAIMS, GRAPH_SCOPE, Stage, fingerprint

# Its own modules use what it has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ALL = [f"Message {number}" for number in range(1, 6)]


def credential(stage: Stage, is_async: bool) -> Any:
    if is_async:
        return tokenkeep.azure.aio.TokenkeepCredential(stage.home.async_broker(), stage.provider)
    return tokenkeep.azure.TokenkeepCredential(stage.broker, stage.provider)


def subjects(stage: Stage, is_async: bool = True) -> "list[str | None]":
    """The subjects of all messages, page by page."""

    async def read() -> "list[str | None]":
        provider = AzureIdentityAuthenticationProvider(
            credential(stage, is_async), scopes=[GRAPH_SCOPE], allowed_hosts=["localhost"]
        )
        # The SDK's own transport does not close the one that it is made around.
        async with httpx.AsyncHTTPTransport() as transport, httpx.AsyncClient(transport=transport) as client:
            GraphClientFactory.create_with_default_middleware(client=client, options=options)
            adapter = GraphRequestAdapter(provider, client)
            adapter.base_url = stage.api
            messages = GraphServiceClient(request_adapter=adapter).me.messages
            page = await messages.get()
            found = []
            while page is not None:
                found += [message.subject for message in page.value or []]
                following = page.odata_next_link
                page = await messages.with_url(following).get() if following else None
        return found

    return asyncio.run(read())


@pytest.mark.parametrize("is_async", [False, True])
def test_mail_is_read(stage: Stage, is_async: bool) -> None:
    assert subjects(stage, is_async) == ALL
    assert stage.tokens() == [fingerprint(stage.token())] * 2
    assert not stage.server.refreshes()


@pytest.mark.parametrize("is_async", [False, True])
def test_a_claims_challenge_is_met_by_one_retry(stage: Stage, is_async: bool) -> None:
    stage.challenge()
    assert subjects(stage, is_async) == ALL
    assert stage.statuses() == [401, 200, 200]
    assert [json.loads(claims or "") for claims in stage.claims()] == [CLAIMS]


def test_a_refusal_that_stays_is_the_callers(stage: Stage) -> None:
    stage.refuse("invalid_token", times=9)
    with pytest.raises(APIError) as refused:
        subjects(stage)
    assert refused.value.response_status_code == 401
    assert "the API's own words" in str(refused.value)
    assert not stage.server.refreshes()


def test_a_login_that_is_required_says_what_to_do(stage: Stage) -> None:
    stage.end_grant()
    with pytest.raises(ClientAuthenticationError) as ended:
        subjects(stage)
    assert isinstance(ended.value.__cause__, tokenkeep.LoginRequiredError)
    assert ended.value.__cause__.help in str(ended.value)
    assert not stage.requests()
