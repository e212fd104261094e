"""A person logs in with the browser, by pasting, or does not finish."""

import time
from datetime import datetime, timedelta, timezone

from tokenkeep_testing import CLIENT_ID, Person, Stage, is_closed, person
from tokenkeep_testing.failure import fails


def test_login_with_the_browser(microsoft: Stage, oidc: Stage) -> None:
    # Microsoft: the answer comes in a form.
    connection = microsoft.login()
    assert (connection.provider, connection.connection) == ("microsoft", "default")
    assert (connection.status, connection.login_required) == ("connected", None)
    assert connection.account.username == "person@example.com"
    assert connection.has_refresh_token and connection.missing_scopes == []
    assert connection.client_id == CLIENT_ID
    now = datetime.now(timezone.utc)
    assert now - timedelta(minutes=1) < connection.logged_in_at <= now
    assert connection.expires_at is not None and connection.expires_at > now + timedelta(minutes=50)
    assert microsoft.connection() == connection

    (asked,) = microsoft.server.asked_at("authorize")
    assert asked["path"] == "/common/oauth2/v2.0/authorize"
    sent = asked["parameters"]
    wanted = {
        "client_id": CLIENT_ID,
        "response_type": "code",
        "response_mode": "form_post",
        "client_info": "1",
        "code_challenge_method": "S256",
        "prompt": "select_account",
        "scope": "https://graph.microsoft.com/User.Read openid profile offline_access",
    }
    assert {name: sent[name] for name in wanted} == wanted
    redirect_uri = sent["redirect_uri"]
    assert redirect_uri.startswith("http://localhost:") and redirect_uri.endswith("/callback")
    assert "resource" not in sent

    (redeemed,) = microsoft.server.asked("authorization_code")
    assert redeemed["path"] == "/common/oauth2/v2.0/token"
    assert redeemed["client_authentication"] == "none"
    assert redeemed["parameters"]["client_info"] == "1"
    assert redeemed["parameters"]["redirect_uri"] == redirect_uri
    assert not {"client_secret", "resource"} & set(redeemed["parameters"])
    assert not redeemed["origin"], "Entra takes whoever sends an Origin for a web page"
    assert microsoft.resource(microsoft.secret()) == 200

    # Any other server: the answer comes in the address.
    assert oidc.login().issuer == oidc.server.issuer
    (asked,) = oidc.server.asked_at("authorize")
    sent = asked["parameters"]
    assert "response_mode" not in sent
    assert sent["redirect_uri"].startswith("http://127.0.0.1:")
    assert sent["scope"] == "openid offline_access"
    # OIDC Core 11: offline_access is granted when consent is asked for.
    assert sent["prompt"] == "consent"
    assert oidc.resource(oidc.secret()) == 200


def test_login_by_pasting_the_redirect_url(microsoft: Stage) -> None:
    login = microsoft.begin_login(paste=True)
    # A form post cannot be pasted.
    assert "response_mode" not in login.url
    pasted = person.redirected(login.url)
    login.paste("this is not an address\n")
    assert login.refused()
    login.paste(pasted.replace("state=", "state=x"))
    assert login.refused()
    assert microsoft.server.asked("authorization_code") == [], "a foreign answer is not redeemed"
    login.paste(f"  {pasted}  \n")
    assert login.finish().status == "connected"
    reads = [told for told in login.told if told == ("read_redirect_url",)]
    assert len(reads) == 3

    # Nobody is there to paste anything.
    class NobodyPastes:
        def open_url(self, url: str) -> None:
            pass

    with fails("unsupported"):
        microsoft.login(paste=True, connection="other", interaction=NobodyPastes())


def test_login_denied(microsoft: Stage) -> None:
    microsoft.server.change(person="form")
    with fails("access_denied") as failure:
        microsoft.login(interaction=Person("--deny"))
    assert "access_denied" in failure.value.message
    assert failure.value.server is not None and failure.value.server.error == "access_denied"
    assert microsoft.server.asked("authorization_code") == [] and microsoft.records() == {}
    # The same person has another thought.
    assert microsoft.login().status == "connected"


def test_login_timed_out(microsoft: Stage) -> None:
    begun = time.monotonic()
    login = microsoft.begin_login(timeout=1.0)
    port = login.port
    assert person.get(login.redirect()).status != 200, "the redirect is listened to"
    with fails("login_timed_out") as failure:
        login.finish()
    assert 1 <= time.monotonic() - begun < 5
    assert "--timeout" in failure.value.help
    assert is_closed(port)
    assert microsoft.records() == {}
