"""A token that is at hand, and a token that somebody wants to be fresher."""

import asyncio
from base64 import b64decode
from datetime import datetime, timedelta, timezone
from typing import Literal

from tokenkeep_testing import Stage, until
from tokenkeep_testing.failure import fails


def test_cached_token_sends_nothing(oidc: Stage) -> None:
    oidc.login()
    asked = len(oidc.server.journal()["entries"])
    token = oidc.token()
    assert (token.token_type, token.provider, token.connection) == ("Bearer", "oidc", "default")
    assert (token.scopes, token.resource) == (["openid", "offline_access"], None)
    assert token.authorization_header() == f"Bearer {token.secret}"
    assert token.expires_at is not None and token.expires_at.tzinfo is timezone.utc
    assert timedelta(minutes=59) < token.expires_at - datetime.now(timezone.utc) <= timedelta(hours=1)
    broker = oidc.broker()
    assert broker.cached_token("oidc") == token
    assert len(oidc.server.journal()["entries"]) == asked

    # Offline it is as good, and comes at once, to whoever asks.
    oidc.server.stop()
    for either in (broker, oidc.broker()):
        assert either.token("oidc") == token
        assert either.token("oidc", scopes=["openid"], min_lifetime=600) == token
        assert either.cached_token("oidc", scopes="openid", min_lifetime=600) == token
        assert either.cached_token("oidc", min_lifetime=7200) is None
    twin = oidc.async_broker()
    assert asyncio.run(twin.token("oidc")) == token == twin.cached_token("oidc")

    with fails("not_connected"):
        broker.token("google")
    with fails("unknown_provider"):
        broker.token("nobody")


def test_forced_refresh(acme: Stage) -> None:
    acme.login()
    mine, others = acme.broker(), acme.broker()
    first = mine.token("acme")
    assert others.token("acme") == first
    second = mine.token("acme", force_refresh=True)
    assert first != second and first.secret != second.secret
    # What was forced is what everybody gets.
    assert mine.token("acme") == second == others.token("acme")
    assert len(acme.server.refreshes()) == 1
    assert acme.resource(second.secret) == 200


def test_min_lifetime(acme: Stage) -> None:
    acme.login()
    first = acme.secret(min_lifetime=600)
    assert acme.server.refreshes() == [], "it is good for an hour"
    # A server gives what it gives: the newest is handed out, and asked for once.
    second = acme.secret(min_lifetime=7200)
    assert first != second
    assert len(acme.server.refreshes()) == 1
    # With a server that gives longer ones it is met.
    acme.server.change(access_token_lifetime=10_000)
    third = acme.secret(min_lifetime=7200)
    assert acme.secret(min_lifetime=7200.5) == third != second
    assert len(acme.server.refreshes()) == 2


def test_refresh_in_is_served_and_refreshed(microsoft: Stage) -> None:
    # Long enough for a busy machine to be asked for the first token before it has passed.
    microsoft.server.change(refresh_in=3)
    microsoft.login()
    microsoft.server.change(refresh_in=None)
    first = microsoft.secret()
    # Past it the old token is served still, and a new one is fetched for the next caller.
    until(lambda: served_until_asked(microsoft, first, 1))
    second = microsoft.secret()
    assert second != first
    assert len(microsoft.server.refreshes()) == 1
    assert microsoft.resource(second) == 200

    # A server in trouble is no trouble while the token works.
    microsoft.server.change(refresh_in=3)
    third = microsoft.secret(force_refresh=True)
    microsoft.server.at_refresh({"type": "reply", "status": 503, "body": "canary"})
    until(lambda: served_until_asked(microsoft, third, 3))
    assert microsoft.secret() == third


def served_until_asked(stage: Stage, token: str, refreshes: int) -> bool:
    """Asks, lets what that began come to its end, and says whether the server has been asked so often."""
    with stage.broker() as broker:
        assert broker.token("microsoft").secret == token
    return len(stage.server.refreshes()) == refreshes


def test_sasl_strings_for_mail_servers(microsoft: Stage) -> None:
    microsoft.login(scopes=["outlook-imap", "outlook-smtp"])
    token = microsoft.token()

    def said(mechanism: Literal["xoauth2", "oauthbearer"], user: str) -> str:
        return b64decode(token.sasl(mechanism, user), validate=True).decode()

    bearer = f"\x01auth=Bearer {token.secret}\x01\x01"
    assert said("xoauth2", "me@example.com") == f"user=me@example.com{bearer}"
    # A shared mailbox is named; else it is that of the account.
    user = microsoft.connection().account.username
    assert user is not None and said("xoauth2", user) == f"user=person@example.com{bearer}"
    assert said("oauthbearer", "a=b,c@example.com") == f"n,a=a=3Db=2Cc@example.com,{bearer}"

    for user in ("", "me\x01auth=Bearer x", "me\r\nLOGOUT"):
        for mechanism in ("xoauth2", "oauthbearer"):
            with fails("config_invalid"):
                token.sasl(mechanism, user)
    with fails("config_invalid") as failure:
        token.sasl("plain", "me@example.com")  # type: ignore[arg-type]
    assert "plain" in failure.value.message
