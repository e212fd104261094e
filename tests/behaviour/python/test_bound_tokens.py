"""Tokens that are bound to a key (RFC 9449): the key of one login, its proofs, the nonces that servers want in them,
and what comes when a server takes the binding away."""

import asyncio
import json
from functools import partial
from typing import Any, Dict, List, Set

from tokenkeep_testing import Stage, person
from tokenkeep_testing.failure import fails

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


def resource(stage: Stage, authorization: str, proof: str) -> person.Answer:
    """The resource's answer to a token with this proof."""
    return person.get(stage.resource_url, {"Authorization": authorization, "DPoP": proof})


def thumbprints(entries: List[Dict[str, Any]]) -> Set[str]:
    """The keys of these requests, of which each had a proof."""
    return {entry["proof"]["thumbprint"] for entry in entries}


def with_nonce(entries: List[Dict[str, Any]]) -> List[bool]:
    """What the requests to the token endpoint said of a nonce."""
    return [entry["proof"]["nonce"] for entry in entries]


def test_tokens_are_bound_to_a_key(acme: Stage, oidc: Stage, mcp: Stage) -> None:
    server, url = acme.server, acme.resource_url
    server.change(dpop={"mode": "on"})
    assert acme.login(connection="plain").dpop is False
    assert server.asked("authorization_code")[0]["proof"] is None, "nobody asked for it"
    with fails("unsupported") as failure:
        acme.broker().dpop_proof("acme", connection="plain", method="GET", url="https://a.example")
    assert "--dpop" in failure.value.help

    # One key from the authorization request to the refresh, and a proof of its own for each.
    assert acme.login(dpop=True).dpop is True
    token = acme.token()
    newer = acme.token(force_refresh=True)
    assert newer != token
    keys = thumbprints(server.asked("authorization_code")[1:] + server.refreshes())
    asked = server.journal()["entries"]
    bound = [entry["parameters"]["dpop_jkt"] for entry in asked if "dpop_jkt" in entry["parameters"]]
    assert len(keys) == 1 and set(bound) == keys, "the code was bound to it, too"
    ids = [entry["proof"]["id"] for entry in asked if entry["proof"]]
    assert len(ids) == len(set(ids)) == 2

    # The token is of use with a proof for its request, and in no other way.
    assert (newer.token_type, newer.authorization_header()) == ("DPoP", f"DPoP {newer.secret}")
    proof = partial(acme.broker().dpop_proof, "acme", method="GET", access_token=newer.secret)
    assert resource(acme, newer.authorization_header(), proof(url=f"{url}?page=2#top")).status == 200
    spent = proof(url=url)
    assert resource(acme, newer.authorization_header(), spent).status == 200
    for scheme, refused in (
        ("DPoP", spent),
        ("DPoP", proof(url=f"{url}/other")),
        ("DPoP", proof(url=url, method="POST")),
        ("Bearer", proof(url=url)),
    ):
        assert resource(acme, f"{scheme} {newer.secret}", refused).status == 401
    assert acme.resource(newer.secret) == 401, "a stolen token"
    for other_use in (newer.bearer, partial(newer.sasl, "xoauth2", "me@example.com")):
        with fails("unsupported"):
            other_use()

    async def ask() -> str:
        async with acme.async_broker() as broker:
            token = await broker.token("acme")
            return await broker.dpop_proof("acme", method="GET", url=url, access_token=token.secret)

    assert resource(acme, newer.authorization_header(), asyncio.run(ask())).status == 200

    # Each login has a key of its own, and a login again asks for one again.
    assert acme.login().dpop is True
    assert keys.isdisjoint(thumbprints(server.asked("authorization_code")[2:]))
    # It goes by any flow, and a logout needs no proof.
    server.change(device_approve_after=0)
    acme.login(flow="device_code", dpop=True)
    assert len(thumbprints(server.asked(DEVICE_CODE))) == 1
    assert acme.broker().logout("acme").revocation == "revoked"

    # A server that says that it takes other proofs alone is believed before anybody is asked.
    oidc.server.change(metadata={"set": {"dpop_signing_alg_values_supported": ["RS256"]}})
    with fails("unsupported"):
        oidc.login(dpop=True)
    assert oidc.server.asked_at("authorize") == []
    # A resource that takes bound tokens alone need not be told of.
    mcp.server.change(dpop={"mode": "on"}, protected_resource={"dpop_bound": True})
    assert mcp.login().dpop is True
    url, broker = mcp.resource_url, mcp.broker()
    token = broker.token("mcp", resource=url)
    fit = broker.dpop_proof("mcp", resource=url, method="GET", url=url, access_token=token.secret)
    assert resource(mcp, token.authorization_header(), fit).status == 200


def test_dpop_nonce_is_answered_once(acme: Stage) -> None:
    server, url = acme.server, acme.resource_url
    server.change(dpop={"mode": "on", "nonce": "once"})
    acme.login(dpop=True)
    redeemed = server.asked("authorization_code")
    assert with_nonce(redeemed) == [False, True]
    assert redeemed[0]["outcome"]["error"] == "use_dpop_nonce"
    codes = {entry["parameters"]["code"] for entry in redeemed}
    assert len(codes) == 1, "it was not used by the first"
    # A broker of its own knows no nonce, and one that lives on has the last one.
    acme.token(force_refresh=True)
    assert with_nonce(server.refreshes()) == [False, True]
    assert len({entry["parameters"]["refresh_token"] for entry in server.refreshes()}) == 1
    assert server.journal()["reuse_count"] == 0
    broker = acme.broker()
    broker.token("acme", force_refresh=True)
    token = broker.token("acme", force_refresh=True)
    assert with_nonce(server.refreshes()[2:]) == [False, True, True]

    # The resource wants one too: the same token goes with another proof.
    server.forget_nonces()
    proof = partial(broker.dpop_proof, "acme", method="GET", url=url, access_token=token.secret)
    refused = resource(acme, token.authorization_header(), proof())
    assert refused.status == 401
    challenges = refused.headers.get_all("www-authenticate") or []
    assert broker.token_after_refusal("acme", refused=token.secret, www_authenticate=challenges) == token
    assert len(server.refreshes()) == 5, "nothing was refreshed for it"
    taken = resource(acme, token.authorization_header(), proof(nonce=refused.headers["dpop-nonce"]))
    assert taken.status == 200

    # A server whose nonce is never right is asked twice, and ends nothing.
    headers = [["content-type", "application/json"], ["dpop-nonce", "never"]]
    body = json.dumps({"error": "use_dpop_nonce"})
    server.at_refresh({"type": "reply", "status": 400, "headers": headers, "body": body}, times=2)
    before = len(server.refreshes())
    with fails("provider_rejected"):
        acme.token(force_refresh=True)
    assert (len(server.refreshes()), acme.connection().status) == (before + 2, "connected")
    assert acme.token(force_refresh=True) != token
    # Any other answer to a code is the last one.
    server.at_redemption({"type": "error", "error": "invalid_grant"})
    before = len(server.asked("authorization_code"))
    with fails("login_required"):
        acme.login(dpop=True)
    assert len(server.asked("authorization_code")) == before + 1


def test_bearer_in_the_place_of_a_bound_token_is_refused(acme: Stage) -> None:
    server = acme.server
    server.change(dpop={"mode": "ignored"})
    with fails("provider_rejected") as failure:
        acme.login(dpop=True)
    assert "DPoP" in failure.value.help
    assert acme.broker().connections().connections == [], "nothing was kept"
    assert len(server.asked("authorization_code")) == 1

    server.change(dpop={"mode": "on"})
    acme.login(dpop=True)
    bound = acme.token()
    # The server has rotated all the same: what it gave is what it takes.
    server.at_refresh({"type": "mutate", "set": {"token_type": "Bearer"}})
    with fails("provider_rejected"):
        acme.token(force_refresh=True)
    assert acme.token() == bound, "what is bound goes on"
    newer = acme.token(force_refresh=True)
    assert newer != bound and newer.token_type == "DPoP"
    assert (len(server.refreshes()), server.journal()["reuse_count"]) == (2, 0)

    # Nor is a token that wants a proof taken by who has no key.
    odd = json.dumps({"access_token": "a", "token_type": "DPoP", "expires_in": 60})
    headers = [["content-type", "application/json"]]
    server.at_redemption({"type": "reply", "status": 200, "headers": headers, "body": odd})
    with fails("provider_rejected"):
        acme.login(connection="unbound")
