"""Which client logs in, and what a login remembers of the one before."""

from typing import Any, Dict

import pytest
from tokenkeep_testing import CLIENT_ID, Stage
from tokenkeep_testing.failure import fails

OPTION = "aaaaaaaa-0000-4000-8000-000000000001"
OWN_VARIABLE = "aaaaaaaa-0000-4000-8000-000000000002"
KNOWN_VARIABLE = "aaaaaaaa-0000-4000-8000-000000000003"
STORED = "aaaaaaaa-0000-4000-8000-000000000004"


def last_asked(stage: Stage) -> Dict[str, Any]:
    """The last authorization request."""
    entry: Dict[str, Any] = stage.server.asked_at("authorize")[-1]
    return entry


def test_client_id_precedence(microsoft: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    microsoft.named.clear()
    with fails("registration_missing") as failure:
        microsoft.login()
    for tried in (
        "--client-id",
        "TOKENKEEP_MICROSOFT_CLIENT_ID",
        "MICROSOFT_OAUTH_CLIENT_ID",
        "stored registration",
    ):
        assert tried in failure.value.message
    # The portal's steps, with what to enter there to the letter.
    for step in ("https://entra.microsoft.com", "Mobile and desktop applications", "--client-id"):
        assert step in failure.value.help
    assert "http://localhost/callback" in map(str.strip, failure.value.help.splitlines())
    assert microsoft.server.journal()["entries"] == []

    registration = microsoft.broker().set_registration("microsoft", client_id=STORED)
    assert microsoft.broker().registration("microsoft") == registration
    assert (registration.client_id, registration.has_client_secret) == (STORED, False)
    assert microsoft.login(connection="a").client_id == STORED
    monkeypatch.setenv("MICROSOFT_OAUTH_CLIENT_ID", KNOWN_VARIABLE)
    assert microsoft.login(connection="b").client_id == KNOWN_VARIABLE
    monkeypatch.setenv("TOKENKEEP_MICROSOFT_CLIENT_ID", OWN_VARIABLE)
    assert microsoft.login(connection="c").client_id == OWN_VARIABLE
    assert microsoft.login(connection="d", client_id=OPTION).client_id == OPTION
    asked = [entry["client_id"] for entry in microsoft.server.asked_at("authorize")]
    assert asked == [STORED, KNOWN_VARIABLE, OWN_VARIABLE, OPTION]


def test_login_again_remembers_client_tenant_and_scopes(microsoft: Stage, oidc: Stage) -> None:
    microsoft.named.clear()
    first: Dict[str, Any] = {
        "client_id": CLIENT_ID,
        "tenant": "organizations",
        "scopes": ["Mail.Read", "Calendars.Read"],
    }
    microsoft.login(**first)
    before = last_asked(microsoft)
    microsoft.login()
    again = last_asked(microsoft)
    assert again["path"] == "/organizations/oauth2/v2.0/authorize"
    for same in ("client_id", "scope"):
        assert again["parameters"][same] == before["parameters"][same]
    # A registration that was stored since is the user's newer word.
    microsoft.broker().set_registration("microsoft", client_id=STORED)
    assert microsoft.login().client_id == STORED
    microsoft.login(**first)
    assert last_asked(microsoft)["client_id"] == CLIENT_ID
    # What is named replaces what is remembered.
    connection = microsoft.login(tenant="contoso.example", scopes="User.Read")
    assert connection.tenant == "contoso.example"
    changed = last_asked(microsoft)
    assert changed["path"] == "/contoso.example/oauth2/v2.0/authorize"
    assert changed["parameters"]["scope"] == "User.Read openid profile offline_access"

    # The issuer of a server that was found through it.
    oidc.login(scopes=["openid", "email"])
    oidc.named.clear()
    assert oidc.login().issuer == oidc.server.issuer
    assert last_asked(oidc)["parameters"]["scope"] == "openid email offline_access"


def test_two_connections_of_one_provider(microsoft: Stage) -> None:
    microsoft.login(connection="work")
    microsoft.login(connection="me@example.com", tenant="consumers")
    listed = microsoft.broker().connections()
    assert [one.connection for one in listed.connections] == ["me@example.com", "work"]
    assert listed.damaged == []
    broker = microsoft.broker()
    work = broker.token("microsoft", connection="work")
    home = broker.token("microsoft", connection="me@example.com")
    assert (work.connection, home.connection) == ("work", "me@example.com")
    assert work.secret != home.secret
    # No connection stands in for one that was not named.
    with fails("not_connected"):
        broker.token("microsoft")
    with fails("not_connected"):
        broker.connection("microsoft")

    assert broker.logout("microsoft", connection="work").connection == "work"
    with fails("not_connected"):
        broker.token("microsoft", connection="work")
    assert broker.token("microsoft", connection="me@example.com") == home
