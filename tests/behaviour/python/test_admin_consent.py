"""An administrator consents for all of their organization."""

import asyncio
from typing import Any, Dict, List
from urllib.parse import parse_qsl, urlsplit

import tokenkeep
from tokenkeep_testing import CLIENT_ID, Stage, person
from tokenkeep_testing.failure import fails

TENANT = "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f"


def parameters(asked: tokenkeep.AdminConsentRequest) -> Dict[str, str]:
    """What the address says, which is what the record says."""
    found = dict(parse_qsl(urlsplit(asked.url).query))
    assert (found["state"], found["redirect_uri"]) == (asked.state, asked.redirect_uri)
    return found


def test_admin_consent_url_and_answer(microsoft: Stage) -> None:
    broker = microsoft.broker()
    # Before anybody has logged in: what a login would ask for, without what is about the person.
    with fails("registration_missing") as failure:
        broker.admin_consent_url("microsoft")
    assert "http://localhost/callback" in failure.value.help
    first = broker.admin_consent_url("microsoft", client_id=CLIENT_ID)
    assert first.url.startswith(f"{microsoft.server.origin}/organizations/v2.0/adminconsent?")
    assert parameters(first) == {
        "client_id": CLIENT_ID,
        "scope": "https://graph.microsoft.com/User.Read",
        "redirect_uri": "http://localhost/callback",
        "state": first.state,
    }
    assert len(first.state) >= 43
    assert broker.admin_consent_url("microsoft", client_id=CLIENT_ID).state != first.state
    assert microsoft.server.journal()["entries"] == [], "nothing is sent"

    # What the connection has; what is named replaces it.
    microsoft.login(tenant="contoso.example", scopes=["User.Read", "Mail.Send"])
    asked = broker.admin_consent_url("microsoft")
    assert urlsplit(asked.url).path == "/contoso.example/v2.0/adminconsent"
    assert parameters(asked)["scope"] == "User.Read Mail.Send"
    elsewhere = "https://app.example/consented"
    asked = broker.admin_consent_url("microsoft", tenant=TENANT, scopes="teams-read", redirect_uri=elsewhere)
    assert urlsplit(asked.url).path == f"/{TENANT}/v2.0/adminconsent"
    assert asked.redirect_uri == elsewhere and "Team.ReadBasic.All" in parameters(asked)["scope"]
    china = urlsplit(broker.admin_consent_url("microsoft", tenant="common", cloud="china").url)
    assert china[:3] == ("https", "login.partner.microsoftonline.cn", "/organizations/v2.0/adminconsent")
    wrong: List[Dict[str, Any]] = [
        {"tenant": "consumers"},
        {"tenant": "9188040d-6c67-4c5b-b112-36a304b66dad"},
        {"tenant": "../common"},
        {"redirect_uri": "/consented"},
        {"redirect_uri": "https://app.example/#here"},
        {"scopes": "openid profile"},
    ]
    for named in wrong:
        with fails("config_invalid"):
            broker.admin_consent_url("microsoft", **named)
    with fails("unsupported"):
        broker.admin_consent_url("github")

    asyncio.run(consent(microsoft))


async def consent(microsoft: Stage) -> None:
    """The answers: what the server sends an administrator back with, and what a stranger might."""
    async with microsoft.async_broker() as broker:
        asked = await broker.admin_consent_url("microsoft", tenant=TENANT)
        yes = person.redirected(asked.url)
        assert yes.startswith(asked.redirect_uri)
        given = await broker.read_admin_consent(asked.state, yes)
        assert (given.tenant, given.scopes) == (TENANT, ["User.Read", "Mail.Send"])

        # Entra says `admin_consent=True` even of a refusal.
        microsoft.server.change(person="deny")
        no = person.redirected(asked.url)
        assert "admin_consent=True" in no
        for error in ("access_denied", "consent_required"):
            with fails("access_denied") as failure:
                await broker.read_admin_consent(asked.state, no.replace("access_denied", error))
            assert failure.value.server is not None and failure.value.server.error == error

        for strange in (
            yes.replace(asked.state, "another"),
            yes.replace("&state", "&stat"),
            yes.replace("True", "False"),
            f"{yes}&state={asked.state}",
            f"{asked.redirect_uri}?error=access_denied&state=x{asked.state}",
            "",
        ):
            with fails("provider_rejected"):
                await broker.read_admin_consent(asked.state, strange)
