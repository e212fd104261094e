"""httpx sends requests with a connection's tokens."""

import asyncio
import io
from typing import Any, AsyncIterator, Iterator

import httpx
import pytest
from contract import Answer, Contract
from stage import Stage
from tokenkeep.httpx import TokenkeepAuth


def auth(stage: Stage, **options: Any) -> TokenkeepAuth:
    return TokenkeepAuth(stage.broker, stage.provider, **{"allowed_hosts": [stage.host], **options})


def async_auth(stage: Stage, **options: Any) -> TokenkeepAuth:
    broker = stage.home.async_broker()
    return TokenkeepAuth(broker, stage.provider, **{"allowed_hosts": [stage.host], **options})


class TestClient(Contract):
    def send(self, stage: Stage, method: str, url: str, body: Any = None, **options: Any) -> Answer:
        with httpx.Client(auth=auth(stage, **options), follow_redirects=True) as client:
            response = client.request(method, url, content=body)
        return Answer(response.status_code, response.text)


class TestAsyncClient(Contract):
    def send(self, stage: Stage, method: str, url: str, body: Any = None, **options: Any) -> Answer:
        async def send() -> Answer:
            async with httpx.AsyncClient(auth=async_auth(stage, **options), follow_redirects=True) as client:
                response = await client.request(method, url, content=body)
                return Answer(response.status_code, response.text)

        return asyncio.run(send())


def test_a_body_that_is_gone_is_not_sent_again(stage: Stage) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"piece"

    with httpx.Client(auth=auth(stage)) as client:
        for body in (pieces(), io.BytesIO(b"a file")):
            stage.refuse("invalid_token", times=1)
            assert client.post(f"{stage.api}/me/messages", content=body).status_code == 401
            assert client.get(f"{stage.api}/me").status_code == 200
    assert stage.statuses() == [401, 200, 401, 200]
    tokens = stage.tokens()
    assert tokens[1] != tokens[0], "the next request has the new token"


def test_a_body_that_is_gone_is_not_sent_again_by_asyncio_either(stage: Stage) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"piece"

    async def send() -> int:
        async with httpx.AsyncClient(auth=async_auth(stage)) as client:
            return (await client.post(f"{stage.api}/me/messages", content=pieces())).status_code

    stage.refuse("invalid_token", times=1)
    assert asyncio.run(send()) == 401
    assert stage.statuses() == [401]


def test_tasks_side_by_side_are_one_refresh(stage: Stage) -> None:
    async def send() -> None:
        async with httpx.AsyncClient(auth=async_auth(stage)) as client:
            answers = await asyncio.gather(*(client.get(f"{stage.api}/me") for _ in range(8)))
            assert [answer.status_code for answer in answers] == [200] * 8

    stage.server.expire()
    asyncio.run(send())
    assert len(stage.server.refreshes()) == 1


def test_each_client_wants_its_own_broker(stage: Stage) -> None:
    async def send() -> None:
        async with httpx.AsyncClient(auth=auth(stage)) as client:
            await client.get(f"{stage.api}/me")

    with pytest.raises(TypeError, match="AsyncClient wants a TokenkeepAuth of an AsyncBroker"):
        asyncio.run(send())
    with (
        httpx.Client(auth=async_auth(stage)) as client,
        pytest.raises(TypeError, match="Client wants .* of a Broker"),
    ):
        client.get(f"{stage.api}/me")
    assert not stage.requests()
