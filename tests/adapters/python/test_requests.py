"""requests sends requests with a connection's tokens."""

import io
from typing import Any, Iterator

import requests
from contract import Answer, Contract
from stage import Stage, fingerprint
from tokenkeep.requests import TokenkeepAuth


def session(stage: Stage, **options: Any) -> requests.Session:
    session = requests.Session()
    session.auth = TokenkeepAuth(stage.broker, stage.provider, **{"allowed_hosts": [stage.host], **options})
    return session


class TestSession(Contract):
    def send(self, stage: Stage, method: str, url: str, body: Any = None, **options: Any) -> Answer:
        with session(stage, **options) as client:
            response = client.request(method, url, data=body)
        return Answer(response.status_code, response.text)


def test_a_file_is_sent_again_from_where_it_began(stage: Stage) -> None:
    stage.server.expire()
    file = io.BytesIO(b"headerbody")
    file.seek(6)
    with session(stage) as client:
        assert client.post(f"{stage.api}/me/messages", data=file).status_code == 200
    assert [entry["body_bytes"] for entry in stage.requests()] == [4, 4]


def test_a_body_that_is_gone_is_not_sent_again(stage: Stage) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"piece"

    stage.server.expire()
    with session(stage) as client:
        answer = client.post(f"{stage.api}/me/messages", data=pieces())
        assert answer.status_code == 401 and "expired" in answer.text
        assert client.get(f"{stage.api}/me").status_code == 200
    assert stage.statuses() == [401, 200]
    assert stage.tokens()[1] == fingerprint(stage.token())


def test_the_answer_is_that_of_the_repetition(stage: Stage) -> None:
    refused = stage.token()
    stage.server.expire()
    with session(stage) as client:
        answer = client.get(f"{stage.api}/me/messages", stream=True)
        assert b"Message 1" in b"".join(answer.iter_content(64)), "a stream is one still"
    assert answer.request.headers["Authorization"] == f"Bearer {stage.token()}"
    assert [earlier.status_code for earlier in answer.history] == [401]
    assert answer.history[0].request.headers["Authorization"] == f"Bearer {refused}"


def test_a_prepared_request_may_be_sent_again_later(stage: Stage) -> None:
    with session(stage) as client:
        prepared = client.prepare_request(requests.Request("GET", f"{stage.api}/me"))
        stage.server.expire()
        assert [client.send(prepared).status_code for _ in range(2)] == [200, 200]
    assert len(stage.server.refreshes()) == 1


def test_nothing_that_is_printed_shows_a_token(stage: Stage) -> None:
    with session(stage) as client:
        prepared = client.prepare_request(requests.Request("GET", f"{stage.api}/me"))
    assert stage.token() not in f"{client.auth!r} {prepared.hooks!r} {vars(client.auth)!r}"
