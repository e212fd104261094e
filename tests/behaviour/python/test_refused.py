"""What a login must not take: answers of another login or another server, and id_tokens of anybody else."""

from typing import Any, Dict, List

from tokenkeep_testing import CLIENT_ID, Stage
from tokenkeep_testing.failure import fails
from tokenkeep_testing.person import get, post, redirected, visit


def test_wrong_state_is_refused_and_the_login_goes_on(microsoft: Stage) -> None:
    login = microsoft.begin_login()
    state = login.parameter("state")
    # Whatever a stranger on this machine, or a page in the browser, may send.
    strange = [
        "code=x&state=wrong",
        "code=x",
        "code=x&state=",
        "error=access_denied&state=wrong",
        f"code=&state={state}",
        f"code=a&code=b&state={state}",
        f"code=a&error=access_denied&state={state}",
        "",
    ]
    for query in strange:
        page = get(login.redirect(query))
        assert page.status == 400, query
        assert "still waiting" in page.text and state not in page.text, query
    assert post(login.redirect(), {"code": "x", "state": "wrong"}).status == 400
    assert get(f"http://127.0.0.1:{login.port}/?code=x&state={state}").status == 404
    assert login.refused()
    assert microsoft.server.asked("authorization_code") == [], "nothing was redeemed"

    visit(login.url)
    assert login.finish().status == "connected"
    assert len(microsoft.server.asked("authorization_code")) == 1
    # The program was told why, of each reason once.
    reasons = [shown[0] for method, *shown in login.told if method == "response_refused"]
    assert all(reasons) and len(set(reasons)) == len(reasons) > 1


def test_mix_up_is_refused(oidc: Stage) -> None:
    login = oidc.begin_login()
    url = login.url
    oidc.server.change(issuer_parameter="wrong")
    assert get(redirected(url)).status == 400
    assert login.refused()
    assert oidc.server.asked("authorization_code") == [], "the code of a stranger goes nowhere"
    # An error of a stranger is neither acted on nor shown.
    state = login.parameter("state")
    error = f"error=access_denied&error_description=canary&state={state}&iss=https://wrong.example"
    assert get(login.redirect(error)).status == 400
    # The right server still can.
    oidc.server.change(issuer_parameter="on")
    visit(url)
    assert login.finish().status == "connected"
    assert "canary" not in repr(login.told)


def test_missing_iss_is_refused_when_advertised(oidc: Stage) -> None:
    # The metadata, which is read first, promises it.
    login = oidc.begin_login()
    url = login.url
    oidc.server.change(issuer_parameter="off")
    assert get(redirected(url)).status == 400
    assert oidc.server.asked("authorization_code") == []
    oidc.server.change(issuer_parameter="on")
    visit(url)
    assert login.finish().issuer == oidc.server.issuer

    # A server that does not promise it is taken at its word.
    with Stage("oidc") as stage:
        stage.server.change(issuer_parameter="off")
        stage.login()


def test_wrong_id_token_is_refused() -> None:
    other = "11111111-2222-4333-8444-555555555555"
    for provider, wrong in (
        ("oidc", ({"set": {"nonce": "another login's"}}, {"set": {"aud": "another client"}}, {"signature": "none"})),
        ("microsoft", ({"set": {"tid": other}}, {"remove": ["tid"]}, {"set": {"exp": 1}})),
    ):
        with Stage(provider) as stage:
            for id_token in wrong:
                stage.server.at_redemption({"type": "mutate", "id_token": id_token})
                with fails("provider_rejected") as failure:
                    stage.login()
                assert "id_token" in failure.value.message, id_token
                assert stage.records() == {}, "nothing is kept"
            account = stage.login().account
            assert account.subject and account.issuer
            assert (account.tenant_id is not None) == (provider == "microsoft")


def test_mutated_id_tokens_are_refused(microsoft: Stage) -> None:
    other, home = "11111111-2222-4333-8444-555555555555", "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f"
    origin, server = microsoft.server.origin, microsoft.server
    # One member each, of an id_token that is good but for it.
    changed: Dict[str, List[Any]] = {
        "iss": [
            f"https://evil.example/{home}/v2.0",
            f"{origin}/{other}/v2.0",
            f"{origin}/{{tenantid}}/v2.0",
            f"{origin}/common/v2.0",
            f"{origin}/{home}/v2.0/",
            f"https://sts.windows.net/{home}/",
        ],
        "tid": [other, "common", f"{home}/../{other}", ""],
        "aud": [other, [CLIENT_ID, other], []],
        "azp": [other],
        "nonce": ["another login's"],
        "exp": [1, "tomorrow"],
        "iat": [32_503_680_000],
        "sub": [""],
    }
    mutations: List[Dict[str, Any]] = [{"set": {name: value}} for name, values in changed.items() for value in values]
    mutations += [{"remove": [name]} for name in ("iss", "tid", "aud", "nonce", "exp", "sub")]
    unsigned = [{"signature": "none"}, {"signature": "empty"}]
    for id_token in mutations + unsigned:
        server.at_redemption({"type": "mutate", "id_token": id_token})
        with fails("provider_rejected") as failure:
            microsoft.login()
        assert "id_token" in failure.value.message, id_token
        assert microsoft.records() == {}, "nothing is kept"

    # A refresh is relied on for being about the same account of the same client: the rest was the login's.
    microsoft.login()
    token = microsoft.token()
    relied_on = ("iss", "tid", "aud", "sub")
    mutations = [{"set": {name: other}} for name in relied_on] + [{"remove": [name]} for name in relied_on]
    for id_token in mutations + unsigned:
        server.at_refresh({"type": "mutate", "id_token": id_token})
        with fails("provider_rejected") as failure:
            microsoft.token(force_refresh=True)
        assert "id_token" in failure.value.message, id_token
        assert microsoft.token() == token, "what is at hand is served"
    assert len(server.refreshes()) == len(mutations + unsigned)
    assert microsoft.token(force_refresh=True) != token


def test_lost_code_redemption_is_sent_once(acme: Stage) -> None:
    acme.server.at_redemption({"type": "drop_after"})
    with fails("network") as failure:
        acme.login()
    assert "again" in failure.value.help
    assert len(acme.server.asked("authorization_code")) == 1, "a code that may have been used is worth nothing"
    assert acme.records() == {}
    acme.login()


def test_insecure_issuer_is_refused_without_the_switch(oidc: Stage) -> None:
    cautious = oidc.broker(insecure_loopback=False)
    with fails("config_invalid") as failure:
        oidc.log_in(cautious)
    assert "TOKENKEEP_INSECURE_LOOPBACK" in failure.value.help
    assert oidc.server.journal()["entries"] == [], "not even the metadata was asked for"
    # The switch is for this machine, and for no other.
    for elsewhere in ("http://login.example", "http://localhost.example", "ftp://127.0.0.1"):
        with fails("config_invalid"):
            oidc.login(issuer=elsewhere)
    oidc.login_expired()
    # What was allowed for the login is not allowed for a refresh.
    with fails("config_invalid"):
        cautious.token("oidc")
    assert oidc.server.refreshes() == []
    assert oidc.resource(oidc.secret()) == 200
