"""An API that will not have the token: another one once, and with the claims that it demands."""

import json
from typing import Any, List

import tokenkeep
from tokenkeep_testing import Stage, person
from tokenkeep_testing.failure import fails


def text(claims: Any) -> str:
    """Claims as the server writes them: the same demand is the same text."""
    return json.dumps(claims, separators=(",", ":"))


def ask(stage: Stage, token: tokenkeep.AccessToken) -> List[str]:
    """A request to the API: the challenges of its 401, or none."""
    answer = person.get_with_token(f"{stage.server.origin}/v1.0/me", token.secret)
    if answer.status == 200:
        return []
    assert answer.status == 401, answer
    challenges = answer.headers.get_all("www-authenticate")
    assert challenges
    return challenges


def test_refused_token_is_replaced_once(acme: Stage) -> None:
    acme.login()
    broker = acme.broker()
    first = broker.token("acme")
    assert ask(acme, first) == []
    acme.server.expire()
    challenges = ask(acme, first)

    second = broker.token_after_refusal("acme", refused=first.secret, www_authenticate=challenges)
    assert second is not None and second.secret != first.secret
    assert ask(acme, second) == []
    # Whoever was refused the same one takes what is there.
    assert broker.token_after_refusal("acme", refused=first.secret) == second
    assert broker.token("acme", replaces=first.secret) == second
    assert acme.token() == second
    assert len(acme.server.refreshes()) == 1
    # An API that refuses every token is not given a new one for each request.
    again = broker.token_after_refusal("acme", refused=second.secret, www_authenticate=challenges)
    assert again is None
    # Wider scopes are a person's to grant.
    wider = ['Bearer error="insufficient_scope", scope="admin"']
    assert broker.token_after_refusal("acme", refused=first.secret, www_authenticate=wider) is None
    # A nonce is for a proof, and no proof goes with these.
    nonce = ['DPoP error="use_dpop_nonce"']
    assert broker.token_after_refusal("acme", refused=second.secret, www_authenticate=nonce) is None
    assert len(acme.server.refreshes()) == 1


def test_claims_challenge_is_met_by_one_refresh(microsoft: Stage) -> None:
    server = microsoft.server

    def challenge(claims: Any) -> None:
        server.push_fault({"endpoint": "resource", "action": {"type": "challenge", "claims": claims}})

    microsoft.login()
    broker = microsoft.broker()
    claims = {"access_token": {"nbf": {"essential": True, "value": "1700000000"}}}
    challenge(claims)
    first = broker.token("microsoft")
    challenges = ask(microsoft, first)
    second = broker.token_after_refusal("microsoft", refused=first.secret, www_authenticate=challenges)
    assert second is not None and ask(microsoft, second) == []
    (sent,) = server.refreshes()
    assert json.loads(sent["parameters"]["claims"]) == claims
    # The same demand, from anybody: it is met.
    again = broker.token_after_refusal("microsoft", refused=first.secret, www_authenticate=challenges)
    assert again == second
    assert microsoft.token(claims=text(claims)) == second
    assert microsoft.token() == second
    assert len(server.refreshes()) == 1

    # Another demand is another question; what only the person can meet is told, with what to log in for.
    step_up = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
    challenge(step_up)
    challenges = ask(microsoft, second)
    server.at_refresh({"type": "error", "error": "interaction_required", "claims": text(step_up)})
    with fails("interaction_required") as failure:
        broker.token_after_refusal("microsoft", refused=second.secret, www_authenticate=challenges)
    assert isinstance(failure.value, tokenkeep.InteractionRequiredError)
    assert json.loads(failure.value.claims or "") == step_up
    # It is nobody's trouble but of those who ask for the same.
    assert microsoft.token() == second
    with fails("interaction_required"):
        microsoft.token(claims=text(step_up))
    assert len(server.refreshes()) == 2, "the same question is not asked twice"
    with fails("config_invalid"):
        microsoft.token(claims="essential")
