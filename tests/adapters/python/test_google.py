"""Google's session sends requests with a connection's tokens."""

import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import google.auth.credentials
import google.auth.exceptions
import pytest
import tokenkeep
from google.auth.transport.requests import AuthorizedSession
from stage import Stage, fingerprint
from tokenkeep.google import TokenkeepCredentials
from tokenkeep_testing import Server


def credentials(stage: Stage, **options: Any) -> TokenkeepCredentials:
    return TokenkeepCredentials(stage.broker, stage.provider, **options)


def test_a_request_carries_the_token_of_the_connection(stage: Stage) -> None:
    stage.log_in(connection="work")
    with AuthorizedSession(credentials(stage)) as session:
        assert session.get(f"{stage.api}/me").json()["userPrincipalName"] == "person@example.com"
    with AuthorizedSession(credentials(stage, connection="work")) as session:
        assert session.get(f"{stage.api}/me").status_code == 200
    assert stage.tokens() == [fingerprint(stage.token()), fingerprint(stage.token(connection="work"))]
    assert not stage.server.refreshes()


def test_a_refused_token_is_replaced_and_the_whole_request_repeated(stage: Stage) -> None:
    stage.server.expire()
    with AuthorizedSession(credentials(stage)) as session:
        assert session.post(f"{stage.api}/me/messages", data=b"the body").status_code == 200
    assert [entry["body_bytes"] for entry in stage.requests()] == [8, 8]
    assert stage.statuses() == [401, 200]
    assert len(stage.server.refreshes()) == 1


def test_an_api_that_refuses_every_token_is_no_storm_of_refreshes(stage: Stage) -> None:
    stage.refuse("invalid_token", times=9)
    with AuthorizedSession(credentials(stage)) as session:
        answers = [session.get(f"{stage.api}/me") for _ in range(2)]
    assert [(answer.status_code, "the API's own words" in answer.text) for answer in answers] == [
        (401, True)
    ] * 2
    assert set(stage.statuses()) == {401}
    assert len(stage.server.refreshes()) == 1


def test_a_refresh_and_a_logout_elsewhere_count_at_once(stage: Stage) -> None:
    with AuthorizedSession(credentials(stage)) as session:
        assert session.get(f"{stage.api}/me").status_code == 200
        newer = stage.home.broker().token(stage.provider, force_refresh=True)
        assert session.get(f"{stage.api}/me").status_code == 200
        assert stage.tokens()[1] == fingerprint(newer.secret)
        stage.home.broker().logout(stage.provider)
        with pytest.raises(google.auth.exceptions.RefreshError) as gone:
            session.get(f"{stage.api}/me")
    assert isinstance(gone.value.__cause__, tokenkeep.NotConnectedError)


def test_a_redirect_to_another_host_carries_no_token(stage: Stage, elsewhere: Server) -> None:
    stage.at_api({"type": "redirect", "status": 307, "location": f"{elsewhere.origin}/v1.0/me"}, times=9)
    with AuthorizedSession(credentials(stage)) as session:
        assert session.get(f"{stage.api}/me").status_code == 401
    assert {entry["authorization"] for entry in elsewhere.journal()["entries"]} == {False}


def test_the_state_that_google_looks_at(stage: Stage) -> None:
    mine = credentials(stage)
    assert (mine.token, mine.valid) == (None, False)
    mine.refresh(None)
    assert mine.token == stage.token()
    assert mine.valid and mine.token_state is google.auth.credentials.TokenState.FRESH
    assert mine.expiry is not None and mine.expiry.tzinfo is None
    left = mine.expiry - datetime.now(timezone.utc).replace(tzinfo=None)
    assert timedelta(minutes=58) < left <= timedelta(hours=1)

    mine.refresh(None)
    assert len(stage.server.refreshes()) == 1, "a refresh brings another token"
    assert mine.token == stage.token()


def test_a_login_that_is_required_says_what_to_do(stage: Stage) -> None:
    stage.end_grant()
    with (
        AuthorizedSession(credentials(stage)) as session,
        pytest.raises(google.auth.exceptions.RefreshError) as ended,
    ):
        session.get(f"{stage.api}/me")
    cause = ended.value.__cause__
    assert isinstance(cause, tokenkeep.LoginRequiredError)
    assert cause.help in str(ended.value) and "tokenkeep login" in cause.help
    assert not ended.value.retryable


def test_a_failure_that_may_pass_is_one_for_google_too(stage: Stage) -> None:
    stage.home.log_in_expired(stage.broker)
    stage.server.at_refresh({"type": "error", "status": 503, "error": "temporarily_unavailable"}, times=9)
    with pytest.raises(google.auth.exceptions.RefreshError) as later:
        credentials(stage).refresh(None)
    assert later.value.retryable


def test_credentials_are_not_pickled_and_not_shown(stage: Stage) -> None:
    mine = credentials(stage)
    mine.refresh(None)
    with pytest.raises(TypeError, match="not copied or pickled"):
        pickle.dumps(mine)
    assert stage.token() not in repr(mine)


def test_what_is_no_bearer_token_is_not_handed_out(own_stage: Stage) -> None:
    with pytest.raises(google.auth.exceptions.RefreshError) as refused:
        credentials(own_stage).refresh(None)
    assert isinstance(refused.value.__cause__, tokenkeep.UnsupportedError)
    assert own_stage.token() not in str(refused.value)
