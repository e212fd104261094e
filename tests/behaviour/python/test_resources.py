"""One grant, many resources: a token for each, kept by itself, and the one refresh token that brings them all."""

import asyncio
from datetime import datetime, timedelta, timezone
from typing import List

import tokenkeep
from tokenkeep_testing import CLIENT_ID, Stage
from tokenkeep_testing.failure import fails

GRAPH = "https://graph.microsoft.com"
MAIL = "https://outlook.office365.com/IMAP.AccessAsUser.All"
SITES = "https://contoso.sharepoint.com/AllSites.Read"
VAULT = "https://vault.azure.net/.default"


def test_one_login_many_resources(microsoft: Stage) -> None:
    microsoft.login()

    async def ask() -> List[tokenkeep.AccessToken]:
        async with microsoft.async_broker() as broker:
            # Each is a question of its own, also when they are asked at once.
            asking = (broker.token("microsoft", scopes=scopes) for scopes in (GRAPH + "/User.Read", MAIL, SITES, VAULT))
            tokens = await asyncio.gather(*asking)
            for token in tokens:
                assert broker.cached_token("microsoft", scopes=token.scopes) == token
            return tokens

    tokens = asyncio.run(ask())
    graph, mail, sites, vault = tokens
    assert len({token.secret for token in tokens}) == 4
    others = {"https://outlook.office365.com", "https://contoso.sharepoint.com", "https://vault.azure.net"}
    assert graph.resource == GRAPH and {mail.resource, sites.resource, vault.resource} == others
    # One refresh for each resource that was new.
    refreshes = microsoft.server.refreshes()
    asked = [set(refresh["parameters"]["scope"].split()) for refresh in refreshes]
    about_the_person = {"openid", "profile", "offline_access"}
    assert len(asked) == 3 and all({scope, *about_the_person} in asked for scope in (MAIL, SITES, VAULT))
    assert not any(refresh["outcome"]["reuse"] or "resource" in refresh["parameters"] for refresh in refreshes)

    # Kept by itself: nothing is sent to whoever asks again, and none takes the place of another.
    assert (microsoft.token(), microsoft.token(scopes="User.Read")) == (graph, graph)
    assert (microsoft.token(scopes=MAIL), microsoft.token(scopes=[SITES])) == (mail, sites)
    held = microsoft.connection().access_tokens
    assert held[0].resource == GRAPH and {one.resource for one in held[1:]} == others
    assert all(one.expires_at is not None for one in held)
    assert len(microsoft.server.refreshes()) == 3

    # Each is refreshed by itself: a new one here leaves the others as they are.
    renewed = microsoft.token(scopes=MAIL, force_refresh=True)
    assert renewed.secret not in {token.secret for token in tokens}
    assert (microsoft.token(), microsoft.token(scopes=SITES), microsoft.token(scopes=VAULT)) == (graph, sites, vault)
    assert microsoft.token(scopes=MAIL) == renewed
    assert MAIL in microsoft.server.refreshes()[3]["parameters"]["scope"]

    # A token is for one resource.
    with fails("config_invalid") as failure:
        microsoft.token(scopes=["User.Read", MAIL])
    assert "https://outlook.office365.com" in failure.value.message


def test_resource_without_consent_ends_nothing(microsoft: Stage) -> None:
    server = microsoft.server
    server.change(consent="enforced")
    server.consent(client_id=CLIENT_ID, scope=SITES)
    microsoft.login()
    with fails("consent_required") as failure:
        microsoft.token(scopes=MAIL)
    assert MAIL in failure.value.message
    assert f'`tokenkeep login microsoft --add-scopes "{MAIL}"`' in failure.value.help
    assert failure.value.server is not None and failure.value.server.suberror == "consent_required"
    # The same question has the same answer for a minute, whoever asks; others are not held up.
    with fails("consent_required") as again:
        microsoft.token(scopes=MAIL)
    assert again.value.help == failure.value.help
    assert len(server.refreshes()) == 1
    microsoft.token(scopes=SITES)
    microsoft.token(force_refresh=True)
    with fails("consent_required"):
        microsoft.token(scopes=MAIL)
    assert len(server.refreshes()) == 3

    # Personal accounts are told the same without a suberror. It says nothing of the grant.
    server.at_refresh({"type": "error", "error": "invalid_grant", "numbers": [70000]})
    with fails("consent_required"):
        microsoft.token(scopes=VAULT)
    assert microsoft.connection().status == "connected"
    microsoft.token(force_refresh=True)

    # What the help says is what helps.
    microsoft.login(add_scopes=MAIL)
    assert microsoft.token(scopes=MAIL).resource == "https://outlook.office365.com"

    # What was granted once and is refused now is the end of the grant.
    server.revoke_all()
    with fails("login_required"):
        microsoft.token(scopes=MAIL, force_refresh=True)
    assert microsoft.connection().status == "login_required"


def test_extended_life_is_served_while_the_server_is_down(microsoft: Stage) -> None:
    microsoft.server.change(ext_expires_in=3600)
    microsoft.login_expired()
    microsoft.server.at_refresh({"type": "reply", "status": 503, "body": "canary"}, times=1000)
    with fails("network"):
        microsoft.token()
    extended = microsoft.token(allow_extended=True)
    assert extended.expires_at is not None
    remaining = extended.expires_at - datetime.now(timezone.utc)
    assert timedelta(minutes=58) < remaining <= timedelta(hours=1), "the end of the extended life"
    assert microsoft.resource(extended.secret) == 401, "the server's own resource goes by expires_in"
    # Not for whoever has found it to be of no use, and not for whoever did not ask for it.
    for of_no_use in ({"replaces": extended.secret}, {"force_refresh": True}):
        with fails("network"):
            microsoft.token(allow_extended=True, **of_no_use)
    assert microsoft.broker().cached_token("microsoft") is None
    with fails("network"):
        microsoft.token()
    microsoft.server.clear_faults()
    renewed = microsoft.token()
    assert renewed != extended and microsoft.token(allow_extended=True) == renewed

    # What the server refuses is no outage.
    microsoft.login_expired(connection="other")
    microsoft.server.revoke_all()
    with fails("login_required"):
        microsoft.token(connection="other", allow_extended=True)
