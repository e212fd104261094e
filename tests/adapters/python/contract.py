"""What every HTTP client must do whose authentication is a `TokenkeepAuth`: the tests, for the files of the clients to
inherit."""

import json
from typing import Any, NamedTuple

import pytest
import tokenkeep
from api import Api
from stage import CLAIMS, OTHER_SCOPE, Proofs, Stage, fingerprint
from tokenkeep_testing import Server


class Answer(NamedTuple):
    """What the caller gets."""

    status: int
    text: str


class Contract:
    """One client; `send` is how it sends a request and follows redirects."""

    def send(self, stage: Stage, method: str, url: str, body: Any = None, **auth: Any) -> Answer:
        """Sends one request. `auth` are the options of the `TokenkeepAuth`; the stage's API is allowed."""
        raise NotImplementedError

    def get(self, stage: Stage, path: str = "/me", **auth: Any) -> Answer:
        """Asks the stage's API."""
        return self.send(stage, "GET", stage.api + path, **auth)

    def test_a_request_carries_the_token_of_the_connection(self, stage: Stage) -> None:
        answer = self.get(stage, "/me/messages")
        assert [message["subject"] for message in json.loads(answer.text)["value"]][:1] == ["Message 1"]
        assert stage.tokens() == [fingerprint(stage.token())]
        assert not stage.server.refreshes()

    def test_the_connection_and_the_scopes_are_those_that_were_named(self, stage: Stage) -> None:
        stage.log_in(connection="work")
        assert self.get(stage, connection="work").status == 200
        assert stage.tokens() == [fingerprint(stage.token(connection="work"))]
        assert self.get(stage, scopes=OTHER_SCOPE).status == 200
        assert stage.tokens()[1:] == [fingerprint(stage.token(scopes=OTHER_SCOPE))]
        assert stage.token(scopes=OTHER_SCOPE) != stage.token()

    def test_a_refused_token_is_replaced_and_the_whole_request_repeated(self, stage: Stage) -> None:
        stage.server.expire()
        assert self.send(stage, "POST", f"{stage.api}/me/messages", b"the body").status == 200
        assert stage.statuses() == [401, 200]
        assert [entry["body_bytes"] for entry in stage.requests()] == [8, 8]
        assert stage.tokens()[1] == fingerprint(stage.token())
        assert len(stage.server.refreshes()) == 1

    def test_a_token_that_was_refreshed_elsewhere_is_picked_up(self, stage: Stage) -> None:
        assert self.get(stage).status == 200
        stage.server.expire()
        newer = stage.home.broker().token(stage.provider, force_refresh=True)
        assert self.get(stage).status == 200
        assert stage.tokens()[1] == fingerprint(newer.secret)
        assert len(stage.server.refreshes()) == 1

    def test_an_api_that_refuses_every_token_is_no_storm_of_refreshes(self, stage: Stage) -> None:
        stage.refuse("invalid_token", times=9)
        answers = [self.get(stage) for _ in range(3)]
        assert {answer.status for answer in answers} == {401}
        assert all("the API's own words" in answer.text for answer in answers)
        # One repetition with the one token that was refreshed; after that there is nothing to try.
        assert stage.statuses() == [401, 401, 401, 401]
        assert len(stage.server.refreshes()) == 1

    def test_a_claims_challenge_is_met(self, stage: Stage) -> None:
        stage.challenge('Basic realm="x"')
        assert self.get(stage).status == 200
        assert stage.statuses() == [401, 200]
        assert [json.loads(claims or "") for claims in stage.claims()] == [CLAIMS]

    def test_wider_scopes_are_not_to_be_had_by_a_refresh(self, stage: Stage) -> None:
        stage.refuse("insufficient_scope", times=2)
        assert self.get(stage).status == 401
        assert stage.statuses() == [401]
        assert not stage.server.refreshes()

    def test_nothing_is_sent_to_a_host_that_is_not_allowed(self, stage: Stage, elsewhere: Server) -> None:
        for url in (
            f"http://localhost:{elsewhere.port}/v1.0/me",
            f"http://127.0.0.1:{stage.server.port}/v1.0/me",
            f"http://{stage.host}@127.0.0.1:{elsewhere.port}/v1.0/me",
            f"https://127.0.0.1:{elsewhere.port}/v1.0/me",
        ):
            with pytest.raises(tokenkeep.ConfigInvalidError, match="may not be sent to"):
                self.send(stage, "GET", url)
        assert not stage.requests()
        assert not elsewhere.journal()["entries"]

    def test_hosts_that_are_none_are_refused_at_once(self, stage: Stage) -> None:
        for hosts in ([], [stage.api], ["*"]):
            with pytest.raises(tokenkeep.ConfigInvalidError):
                self.get(stage, allowed_hosts=hosts)

    def test_a_redirect_to_another_host_carries_no_token(self, stage: Stage, elsewhere: Server) -> None:
        for target in (f"localhost:{elsewhere.port}", f"127.0.0.1:{elsewhere.port}"):
            stage.at_api({"type": "redirect", "status": 307, "location": f"http://{target}/v1.0/me"})
            # Also when it would be allowed: the client drops the token, and nobody puts it back.
            assert self.get(stage, allowed_hosts=[stage.host, target]).status == 401
        stage.at_api(
            {"type": "redirect", "status": 307, "location": f"http://127.0.0.1:{stage.server.port}/v1.0/me"}
        )
        assert self.get(stage).status == 401
        assert [entry["authorization"] for entry in elsewhere.journal()["entries"]] == [False, False]
        assert [entry["authorization"] for entry in stage.requests()] == [True, True, True, False]
        assert not stage.server.refreshes(), "the token was not refused: it was not sent"

    def test_what_was_refused_is_repeated_and_not_what_led_there(self, stage: Stage) -> None:
        stage.at_api({"type": "redirect", "status": 303, "location": f"{stage.api}/me/events"})
        stage.refuse("invalid_token", times=1)
        assert self.send(stage, "POST", f"{stage.api}/me/messages", b"x").status == 200
        asked = [(entry["method"], entry["path"]) for entry in stage.requests()]
        assert asked == [
            ("POST", "/v1.0/me/messages"),
            ("GET", "/v1.0/me/events"),
            ("GET", "/v1.0/me/events"),
        ]
        assert stage.tokens()[2] == fingerprint(stage.token()) != stage.tokens()[1]

    def test_a_login_that_is_required_says_what_to_do(self, strangers_stage: Stage) -> None:
        with pytest.raises(tokenkeep.NotConnectedError) as nobody:
            self.get(strangers_stage)
        assert "tokenkeep login" in nobody.value.help
        strangers_stage.end_grant()
        with pytest.raises(tokenkeep.LoginRequiredError) as ended:
            self.get(strangers_stage)
        assert "tokenkeep login" in ended.value.help
        assert not strangers_stage.requests()

    def test_hosts_that_nobody_names_are_those_of_the_api(self, own_stage: Stage, api: Api, elsewhere: Server) -> None:
        assert self.send(own_stage, "GET", f"{api.url}/items", allowed_hosts=None).status == 200
        with pytest.raises(tokenkeep.ConfigInvalidError, match="may not be sent to"):
            self.send(own_stage, "GET", f"{elsewhere.origin}/items", allowed_hosts=None)
        own_stage.home.add_provider(own_stage.home.definition)
        own_stage.log_in()
        with pytest.raises(tokenkeep.ConfigInvalidError, match="no host is named"):
            self.send(own_stage, "GET", f"{api.url}/items", allowed_hosts=None)
        assert len(api.requests) == 1

    def test_a_token_for_a_resource_goes_to_its_host(self, own_stage: Stage, api: Api) -> None:
        own_stage.provider, resource = "mcp", f"{own_stage.server.origin}/mcp"
        own_stage.home.log_in_to(own_stage.broker, resource)
        assert self.send(own_stage, "GET", resource, allowed_hosts=None, resource=resource).status == 200
        with pytest.raises(tokenkeep.ConfigInvalidError, match="may not be sent to"):
            self.send(own_stage, "GET", api.url, allowed_hosts=None, resource=resource)
        assert not api.requests

    def test_a_token_goes_into_the_header_that_its_api_wants(self, own_stage: Stage, api: Api) -> None:
        refused = own_stage.token()
        api.answer(401, WWW_Authenticate='Bearer error="invalid_token"')
        assert self.send(own_stage, "POST", f"{api.url}/items", b"x", allowed_hosts=None).status == 200
        assert api.sent("X-Acme-Token") == [refused, own_stage.token()]
        assert api.sent("Authorization") == [None, None]
        assert refused != own_stage.token()

    def test_no_redirect_takes_such_a_header_along(self, own_stage: Stage, api: Api) -> None:
        with Api() as other:
            hosts = [api.host, other.host]
            api.answer(307, Location=f"{other.url}/items")
            self.send(own_stage, "GET", f"{api.url}/items", allowed_hosts=hosts)
            # Neither does one that answers the repetition.
            api.answer(401, WWW_Authenticate='Bearer error="invalid_token"')
            api.answer(307, Location=f"{other.url}/items")
            self.send(own_stage, "GET", f"{api.url}/items", allowed_hosts=hosts)
            assert None not in api.sent("X-Acme-Token")
            assert set(other.sent("X-Acme-Token")) <= {None}

    def test_a_token_that_is_bound_to_a_key_has_a_proof_for_each_request(
        self, stage: Stage, api: Api, proofs: Proofs
    ) -> None:
        api.answer(401, WWW_Authenticate='DPoP error="use_dpop_nonce"', DPoP_Nonce="one")
        url = f"{api.url}/items?page=2"
        assert self.send(stage, "POST", url, b"x", allowed_hosts=[api.host]).status == 200
        assert api.sent("Authorization") == ["DPoP bound"] * 2
        assert api.sent("DPoP") == ["proof-1", "proof-2"]
        proven = {"provider": "acme", "connection": "work", "method": "POST", "url": url, "access_token": "bound"}
        assert proofs.asked == [{**proven, "nonce": None}, {**proven, "nonce": "one"}]
