"""Answers that no server should give: each is read as far as it can be, or is a typed error in time."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any, Dict

import tokenkeep
from tokenkeep_testing import Person, Server, Stage
from tokenkeep_testing.failure import fails

# How long any answer may keep anybody waiting, in seconds.
AT_MOST = 31

# A good answer of nobody's: a token in it must not be seen anywhere.
CANARY = '{"access_token":"canary-token","token_type":"Bearer","expires_in":3600}'


def reply(status: int, body: str) -> Dict[str, Any]:
    """Exactly this, as JSON."""
    json_type = [["content-type", "application/json"]]
    return {"type": "reply", "status": status, "body": body, "headers": json_type}


def test_endless_and_slow_and_html_and_redirect_answers() -> None:
    slow = {"type": "slow_body", "interval_milliseconds": 1000, "body": CANARY}
    html = "<!doctype html><title>Sign in to this network</title><p>canary"

    def refresh(code: str, action: Dict[str, Any]) -> None:
        with Stage("acme") as stage:
            stage.login_expired()
            stage.server.at_refresh(action, times=2)
            begun = time.monotonic()
            with fails(code):
                stage.token()
            assert time.monotonic() - begun <= AT_MOST
            assert stage.connection().status == "connected", "it ends no login"

    # The same wait for somebody who logs in, whose code is sent once.
    def redeem() -> None:
        with Stage("acme") as stage:
            stage.server.at_redemption(slow)
            login = stage.begin_login(interaction=Person())
            stage.server.until_faults_struck()
            begun = time.monotonic()
            with fails("network"):
                login.finish()
            assert time.monotonic() - begun <= AT_MOST
            assert stage.records() == {}
            assert len(stage.server.asked("authorization_code")) == 1

    with Server() as stranger, ThreadPoolExecutor() as threads:
        location = f"{stranger.origin}/token"
        waits = [threads.submit(redeem)]
        for code, action in [
            ("network", slow),
            ("network", {"type": "huge_body", "mebibytes": 4096}),
            ("network", {"type": "reply", "status": 200, "body": html}),
            ("network", {"type": "redirect", "status": 302, "location": location}),
            ("network", {"type": "redirect", "status": 307, "location": location}),
            ("provider_rejected", reply(200, CANARY.replace("canary-token", r"canary\r\nx: y"))),
        ]:
            waits.append(threads.submit(refresh, code, action))
        for wait in waits:
            wait.result()
        assert stranger.journal()["entries"] == [], "a redirect is never followed"


def test_odd_answers(acme: Stage, microsoft: Stage) -> None:
    # What is odd and can be read is read.
    odd: Dict[str, Any] = {f"unknown_{number}": [{"deeper": {"still": number}}, None] for number in range(50)}
    odd.update(expires_in="1800", token_type="bearer")
    acme.server.at_redemption({"type": "mutate", "set": odd, "headers": [["content-type", "text/plain"]]})
    acme.login()
    half_an_hour = acme.token()
    assert half_an_hour.token_type == "Bearer"
    assert half_an_hour.authorization_header() == f"Bearer {half_an_hour.secret}"
    assert lives(half_an_hour, timedelta(seconds=1800))
    assert acme.resource(half_an_hour.secret) == 200
    assert acme.token(min_lifetime=1700) == half_an_hour
    assert acme.server.refreshes() == []
    assert acme.token(min_lifetime=1801) != half_an_hour

    # A lifetime that is not said is taken to be an hour.
    acme.server.at_refresh({"type": "mutate", "remove": ["expires_in", "token_type", "scope"]})
    assert lives(acme.token(force_refresh=True), timedelta(hours=1))

    # What is an error is one, under any status; none of these ends a login.
    canary = "canary" * 20_000
    ids = {"error": "invalid_request", "error_description": canary, "trace_id": canary, "error_codes": [1, 2]}
    for code, action in [
        ("provider_rejected", reply(200, '{"error":"invalid_client","access_token":"canary"}')),
        ("provider_rejected", reply(400, json.dumps(ids))),
        ("network", reply(404, "{}")),
        ("provider_rejected", reply(200, "{}")),
        ("interaction_required", {"type": "error", "error": "interaction_required", "claims": '{"a":1}'}),
        ("consent_required", {"type": "error", "error": "invalid_grant", "suberror": "consent_required"}),
    ]:
        microsoft.login_expired()
        microsoft.server.at_refresh(action)
        with fails(code) as failure:
            microsoft.token()
        if isinstance(failure.value, tokenkeep.InteractionRequiredError):
            assert failure.value.claims == '{"a":1}'
        if code == "consent_required":
            assert failure.value.server is not None and failure.value.server.suberror == code
        assert microsoft.connection().status == "connected"
        if code.endswith("_required"):
            microsoft.login()
        assert microsoft.resource(microsoft.secret()) == 200

    # At a login as at a refresh.
    before = acme.records()
    for code, action in [
        ("provider_rejected", reply(403, '{"error":"invalid_code"}')),
        ("network", {"type": "reply", "status": 400}),
    ]:
        acme.server.at_redemption(action)
        with fails(code):
            acme.login()
        assert acme.records() == before


def lives(token: tokenkeep.AccessToken, lifetime: timedelta) -> bool:
    """True when a token that was just given lives that long."""
    assert token.expires_at is not None
    left = token.expires_at - datetime.now(timezone.utc)
    return lifetime - timedelta(seconds=30) < left <= lifetime
