"""A refresh that goes wrong: what ends a login, what does not, and what is still handed out."""

from datetime import datetime, timedelta, timezone

import tokenkeep
from tokenkeep_testing import Stage, until
from tokenkeep_testing.failure import fails


def test_grant_revoked_is_login_required() -> None:
    for provider in ("acme", "microsoft"):
        with Stage(provider) as stage:
            stage.login_expired(connection="work")
            stage.server.revoke_all()
            broker = stage.broker()
            for asked in (broker, broker, stage.broker()):
                with fails("login_required") as failure:
                    asked.token(provider, connection="work")
                assert isinstance(failure.value, tokenkeep.LoginRequiredError)
                assert failure.value.reason == "grant_ended"
                assert f"`tokenkeep login {provider} --connection work`" in failure.value.help
            assert len(stage.server.refreshes()) == 1, "a grant that has ended is not asked for again"
            # The record is kept: the login can be repeated as it was.
            kept = stage.connection("work")
            assert (kept.status, kept.login_required) == ("login_required", "grant_ended")
            assert kept.requested_scopes != []
            repeated = stage.login(connection="work")
            assert (repeated.status, repeated.login_required) == ("connected", None)
            assert stage.resource(stage.secret(connection="work")) == 200


def test_lost_response_is_recovered_on_entra(microsoft: Stage) -> None:
    microsoft.login_expired()
    microsoft.server.at_refresh({"type": "drop_after"})
    assert microsoft.resource(microsoft.secret()) == 200
    lost, again = microsoft.server.refreshes()
    assert lost["parameters"]["refresh_token"] == again["parameters"]["refresh_token"]
    microsoft.secret(force_refresh=True)

    # Lost twice, and found by the next broker: the marker in the record tells it.
    microsoft.login_expired()
    microsoft.server.at_refresh({"type": "drop_after"}, times=2)
    with fails("network"):
        microsoft.token()
    assert microsoft.connection().status == "connected"
    assert microsoft.resource(microsoft.secret()) == 200

    # A server with a grace period gives the same pair again.
    with Stage("acme") as stage:
        stage.server.change(rotation="grace:30")
        stage.login_expired()
        stage.server.at_refresh({"type": "drop_after"})
        assert stage.resource(stage.secret()) == 200
        stage.secret(force_refresh=True)


def test_lost_response_on_a_strict_server_is_login_required(acme: Stage) -> None:
    acme.login_expired()
    acme.server.at_refresh({"type": "drop_after"})
    with fails("login_required") as failure:
        acme.token()
    assert isinstance(failure.value, tokenkeep.LoginRequiredError)
    assert failure.value.reason == "response_lost"
    assert "lost" in failure.value.message
    assert len(acme.server.refreshes()) == 2
    assert acme.connection().login_required == "response_lost"
    acme.login()
    assert acme.resource(acme.secret()) == 200

    # Lost before the server acted is not lost at all.
    with Stage("acme") as stage:
        stage.login_expired()
        stage.server.at_refresh({"type": "drop_before"})
        assert stage.resource(stage.secret()) == 200
        assert stage.server.journal()["reuse_count"] == 0


def test_a_rotation_in_an_answer_of_no_use_is_not_lost(acme: Stage) -> None:
    for of_no_use in (
        {"type": "mutate", "set": {"expires_in": "soon"}},
        {"type": "mutate", "set": {"access_token": "a b\nc"}},
        {"type": "mutate", "remove": ["access_token"]},
    ):
        acme.login_expired()
        acme.server.at_refresh(of_no_use)
        with fails("provider_rejected"):
            acme.token()
        assert acme.connection().status == "connected", of_no_use
        # What it held is sent next: on this server the one before would end the login.
        assert acme.resource(acme.secret()) == 200, of_no_use
    assert acme.server.journal()["reuse_count"] == 0


def test_server_errors_serve_the_valid_token(acme: Stage) -> None:
    html = [["content-type", "text/html"]]
    page = "<html>canary</html>"
    for name, times, trouble in (
        ("500", 1, {"type": "reply", "status": 500, "body": "canary"}),
        ("502", 1, {"type": "reply", "status": 502, "body": page, "headers": html}),
        # Who fails is not believed on the end of a grant.
        ("503", 1, {"type": "error", "status": 503, "error": "invalid_grant"}),
        ("drop", 2, {"type": "drop_before"}),
    ):
        acme.login(connection=name)
        token = acme.token(connection=name)
        acme.server.at_refresh(trouble, times=times)
        assert acme.token(connection=name, min_lifetime=7200) == token, name
        assert acme.connection(name).status == "connected", name

        # With no token to go on with it is an error that may pass, and passes.
        expired = f"{name}-expired"
        acme.login_expired(connection=expired)
        acme.server.at_refresh(trouble, times=times)
        with fails("network"):
            acme.token(connection=expired)
        assert acme.connection(expired).status == "connected", name
        assert acme.resource(acme.secret(connection=expired)) == 200, name
    assert acme.server.journal()["reuse_count"] == 0


def test_the_same_refusal_is_not_asked_for_twice(microsoft: Stage) -> None:
    claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
    for code, refusal in (
        ("interaction_required", {"claims": claims}),
        ("consent_required", {"suberror": "consent_required"}),
    ):
        microsoft.login_expired()
        before = len(microsoft.server.refreshes())
        microsoft.server.at_refresh({"type": "error", "error": "invalid_grant", **refusal})
        broker = microsoft.broker()
        with fails(code) as first:
            broker.token("microsoft")
        assert first.value.server is not None and first.value.server.error == "invalid_grant"
        assert first.value.server.suberror == refusal.get("suberror")
        # Everybody who asks within the minute is told the same, and what to do about it.
        for asked, forced in ((broker, False), (microsoft.broker(), True)):
            with fails(code) as again:
                asked.token("microsoft", force_refresh=forced)
            assert (again.value.message, again.value.help) == (first.value.message, first.value.help)
            assert "`tokenkeep login microsoft`" in again.value.help
            assert getattr(again.value, "claims", None) == refusal.get("claims")
        assert len(microsoft.server.refreshes()) == before + 1
        # The person has acted: nothing is left of it.
        microsoft.login()
        assert microsoft.resource(microsoft.secret(force_refresh=True)) == 200

    # A client that was refused may be put right at once, and is asked for at once.
    microsoft.login_expired()
    before = len(microsoft.server.refreshes())
    microsoft.server.at_refresh({"type": "error", "error": "invalid_client"}, times=2)
    for _ in range(2):
        with fails("provider_rejected") as refused:
            microsoft.token()
        assert refused.value.server is not None and refused.value.server.error == "invalid_client"
    assert len(microsoft.server.refreshes()) == before + 2


def test_tokens_that_end_at_once_make_no_loop() -> None:
    for lifetime in (0, 1):
        with Stage("acme") as stage:
            stage.login_expired()
            stage.server.change(access_token_lifetime=lifetime)
            # What the server gives is handed out to whoever was there when it came.
            assert stage.secret() != ""
            until(lambda: is_throttled(stage))
            for options in ({}, {"force_refresh": True}, {"min_lifetime": 60}):
                with fails("throttled") as failure:
                    stage.token(**options)
                assert f"tokens that live {lifetime} s" in failure.value.message
                assert isinstance(failure.value, tokenkeep.ThrottledError) and failure.value.retry_at
                wait = failure.value.retry_at - datetime.now(timezone.utc)
                assert timedelta() < wait <= timedelta(seconds=31)
            assert len(stage.server.refreshes()) == 1, "one request in thirty seconds"
            assert stage.connection().status == "connected"
            # Whoever runs the server has put it right, and a new login need not wait.
            stage.server.change(access_token_lifetime=3600)
            stage.login()
            assert stage.resource(stage.secret(force_refresh=True)) == 200


def is_throttled(stage: Stage) -> bool:
    """Asks once more."""
    try:
        stage.token()
    except tokenkeep.ThrottledError:
        return True
    return False
