"""azure-core's pipelines send requests with a connection's tokens."""

import asyncio
import json
from typing import Any

import pytest
import tokenkeep
import tokenkeep.azure
import tokenkeep.azure.aio
from azure.core import AsyncPipelineClient, PipelineClient
from azure.core.credentials import AccessToken, AccessTokenInfo, SupportsTokenInfo, TokenCredential
from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy, BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest
from stage import CLAIMS, GRAPH_SCOPE, OTHER_SCOPE, Stage, fingerprint


def credential(stage: Stage, **options: Any) -> tokenkeep.azure.TokenkeepCredential:
    return tokenkeep.azure.TokenkeepCredential(stage.broker, stage.provider, **options)


def async_credential(stage: Stage, **options: Any) -> tokenkeep.azure.aio.TokenkeepCredential:
    return tokenkeep.azure.aio.TokenkeepCredential(stage.home.async_broker(), stage.provider, **options)


def send(stage: Stage, *requests: HttpRequest, scope: str = GRAPH_SCOPE, **options: Any) -> "list[int]":
    with credential(stage, **options) as mine:
        policy = BearerTokenCredentialPolicy(mine, scope)
        with PipelineClient[HttpRequest, Any](stage.api, policies=[policy]) as client:
            return [client.send_request(request, enforce_https=False).status_code for request in requests]


def send_async(stage: Stage, *requests: HttpRequest, scope: str = GRAPH_SCOPE, **options: Any) -> "list[int]":
    async def send() -> "list[int]":
        async with async_credential(stage, **options) as mine:
            policy = AsyncBearerTokenCredentialPolicy(mine, scope)
            async with AsyncPipelineClient[HttpRequest, Any](stage.api, policies=[policy]) as client:
                answers = [await client.send_request(request, enforce_https=False) for request in requests]
                return [answer.status_code for answer in answers]

    return asyncio.run(send())


both = pytest.mark.parametrize("send", [send, send_async])


def get(stage: Stage) -> HttpRequest:
    return HttpRequest("GET", f"{stage.api}/me")


@both
def test_a_request_carries_the_token_of_the_connection(stage: Stage, send: Any) -> None:
    stage.log_in(connection="work")
    assert send(stage, get(stage)) == [200]
    assert send(stage, get(stage), connection="work") == [200]
    assert stage.tokens() == [fingerprint(stage.token()), fingerprint(stage.token(connection="work"))]
    assert not stage.server.refreshes()


@both
def test_a_claims_challenge_is_met_by_one_retry_with_the_whole_body(stage: Stage, send: Any) -> None:
    stage.challenge()
    assert send(stage, HttpRequest("POST", f"{stage.api}/me/messages", content=b"the body"), get(stage)) == [
        200,
        200,
    ]
    assert stage.statuses() == [401, 200, 200]
    assert [entry["body_bytes"] for entry in stage.requests()][:2] == [8, 8]
    assert [json.loads(claims or "") for claims in stage.claims()] == [CLAIMS]
    assert stage.tokens()[1:] == [fingerprint(stage.token())] * 2


@both
def test_a_refusal_that_stays_is_the_callers(stage: Stage, send: Any) -> None:
    stage.refuse("invalid_token", times=9)
    assert send(stage, get(stage), get(stage)) == [401, 401]
    assert stage.statuses() == [401, 401]
    assert not stage.server.refreshes()


@both
def test_an_error_is_of_azure_core_and_says_what_to_do(stage: Stage, send: Any) -> None:
    stage.server.at_refresh({"type": "error", "error": "invalid_grant", "suberror": "consent_required"})
    with pytest.raises(ClientAuthenticationError) as narrow:
        send(stage, get(stage), scope=OTHER_SCOPE)
    assert isinstance(narrow.value.__cause__, tokenkeep.ConsentRequiredError)
    stage.end_grant()
    with pytest.raises(ClientAuthenticationError) as ended:
        send(stage, get(stage))
    cause = ended.value.__cause__
    assert isinstance(cause, tokenkeep.LoginRequiredError)
    assert cause.help in ended.value.message and "tokenkeep login" in cause.help
    assert not stage.requests()


@both
def test_a_challenge_that_only_a_person_can_meet(stage: Stage, send: Any) -> None:
    stage.challenge()
    person = {"type": "error", "error": "interaction_required", "claims": json.dumps(CLAIMS)}
    stage.server.at_refresh(person)
    with pytest.raises(ClientAuthenticationError) as refused:
        send(stage, get(stage))
    # The pipeline makes the API's answer the `__cause__`.
    assert isinstance(refused.value.inner_exception, tokenkeep.InteractionRequiredError)
    assert stage.statuses() == [401]


def test_the_credentials_are_what_azure_core_asks_for(stage: Stage) -> None:
    mine, mine_async = credential(stage), async_credential(stage)
    assert isinstance(mine, TokenCredential) and isinstance(mine, SupportsTokenInfo)
    assert isinstance(mine_async, AsyncTokenCredential) and isinstance(mine_async, AsyncSupportsTokenInfo)

    async def ask() -> "tuple[AccessToken, AccessTokenInfo]":
        return await mine_async.get_token(GRAPH_SCOPE), await mine_async.get_token_info(GRAPH_SCOPE)

    token = stage.broker.token(stage.provider)
    assert token.expires_at is not None
    expected = (token.secret, int(token.expires_at.timestamp()))
    for plain, info in ((mine.get_token(GRAPH_SCOPE), mine.get_token_info(GRAPH_SCOPE)), asyncio.run(ask())):
        assert isinstance(plain, AccessToken) and plain == expected
        assert isinstance(info, AccessTokenInfo) and (info.token, info.expires_on) == expected
        assert info.token_type == "Bearer"


def test_claims_are_asked_for_in_both_ways(stage: Stage) -> None:
    first, second = (
        {"access_token": {"acrs": {"essential": True, "value": value}}} for value in ("c1", "c2")
    )
    credential(stage).get_token(GRAPH_SCOPE, claims=json.dumps(first), tenant_id="any", enable_cae=True)
    credential(stage).get_token_info(GRAPH_SCOPE, options={"claims": json.dumps(second)})
    assert [json.loads(claims or "") for claims in stage.claims()] == [first, second]


def test_a_token_without_an_end(stage: Stage) -> None:
    stage.server.push_fault(
        {
            "endpoint": "token",
            "grant_type": "authorization_code",
            "action": {"type": "mutate", "remove": ["expires_in", "refresh_token"]},
        }
    )
    stage.log_in(connection="endless")
    assert credential(stage, connection="endless").get_token(GRAPH_SCOPE).expires_on == 253_402_300_799


def test_closing_the_credential_leaves_the_broker_to_its_owner(stage: Stage) -> None:
    with credential(stage) as mine:
        mine.get_token(GRAPH_SCOPE)
    mine.close()
    assert mine.get_token(GRAPH_SCOPE).token == stage.token()
    assert stage.token() not in f"{mine!r} {vars(mine)!r}"


def test_what_is_no_bearer_token_is_not_handed_out(own_stage: Stage) -> None:
    mine, async_mine = credential(own_stage), async_credential(own_stage)
    for ask in (
        lambda: mine.get_token("read"),
        lambda: mine.get_token_info("read"),
        lambda: asyncio.run(async_mine.get_token("read")),
        lambda: asyncio.run(async_mine.get_token_info("read")),
    ):
        with pytest.raises(ClientAuthenticationError) as refused:
            ask()
        assert isinstance(refused.value.inner_exception, tokenkeep.UnsupportedError)
        assert own_stage.token() not in str(refused.value)
