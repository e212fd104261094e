"""What a login can ask beside scopes: of the login page, and of the token."""

import asyncio
import json
from typing import Any, Dict, Optional

import tokenkeep
from tokenkeep_testing import Person, Stage
from tokenkeep_testing.failure import fails

ANNA = "anna@contoso.example"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


def asked_last(stage: Stage) -> Dict[str, Any]:
    """The parameters of the last authorization request."""
    parameters: Dict[str, Any] = stage.server.asked_at("authorize")[-1]["parameters"]
    return parameters


def claims_of(parameters: Dict[str, Any]) -> Optional[Any]:
    """The claims of a request."""
    return json.loads(parameters["claims"]) if "claims" in parameters else None


def with_ready_devices(stage: Stage) -> None:
    """From now on devices are approved at the first poll."""
    stage.server.change(device_interval=1, device_approve_after=0)


def test_prompt_and_hints_are_sent(microsoft: Stage, oidc: Stage) -> None:
    named = {"prompt": "login", "login_hint": ANNA, "domain_hint": "contoso.example"}
    connection = microsoft.login(**named)
    assert {name: asked_last(microsoft)[name] for name in named} == named
    assert connection.account.username == ANNA
    # They are of one login: the next one is as the provider's definition has it.
    microsoft.login()
    sent = asked_last(microsoft)
    assert sent["prompt"] == "select_account"
    assert not {"login_hint", "domain_hint"} & set(sent)
    # A web application names them in its own way to log in.
    pending = microsoft.broker().begin_login(
        "microsoft", redirect_uri="http://127.0.0.1:1/callback", prompt="none", login_hint=ANNA
    )
    assert "prompt=none" in pending.authorization_url and "login_hint=anna%40" in pending.authorization_url

    # Nobody is asked for what is not of its form, or cannot be sent.
    before = microsoft.server.journal()["entries"]
    for name, value, in_message in (
        ("prompt", "always", '"always"'),
        ("prompt", "", "prompt"),
        ("login_hint", "anna\nboris", "login hint"),
        ("login_hint", "a" * 321, "login hint"),
        ("domain_hint", " ", "domain hint"),
    ):
        with fails("config_invalid") as failure:
            microsoft.login(**{name: value})
        assert in_message in failure.value.message, name
    for name, value in named.items():
        with fails("config_invalid") as failure:
            microsoft.login(flow="device_code", **{name: value})
        assert "--flow pkce" in failure.value.help, name
    assert microsoft.server.journal()["entries"] == before

    # Any other provider: OIDC's own parameters, and no organizations.
    oidc.login(prompt="select_account", login_hint=ANNA)
    sent = asked_last(oidc)
    assert (sent["prompt"], sent["login_hint"]) == ("select_account", ANNA)
    with fails("config_invalid"):
        oidc.login(domain_hint="contoso.example")


def test_claims_are_sent_with_the_next_login(microsoft: Stage) -> None:
    server = microsoft.server
    with_ready_devices(microsoft)
    microsoft.login_expired(login_hint=ANNA)
    demanded = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
    server.at_refresh({"type": "error", "error": "interaction_required", "claims": json.dumps(demanded)})
    with fails("interaction_required") as failure:
        microsoft.token()
    assert isinstance(failure.value, tokenkeep.InteractionRequiredError)
    assert json.loads(failure.value.claims or "") == demanded

    # The login that repairs it carries them by itself, for the account that it is about.
    microsoft.login()
    sent = asked_last(microsoft)
    assert claims_of(sent) == demanded and sent["login_hint"] == ANNA
    assert "prompt" not in sent, "nobody is to choose another account"
    # Its token meets the demand, however it is written.
    token = microsoft.token()
    assert microsoft.token(claims=json.dumps(demanded, indent=4)) == token
    assert len(server.refreshes()) == 1
    # What was met is not asked for again.
    microsoft.login(login_hint=ANNA)
    assert claims_of(asked_last(microsoft)) is None

    # Named by the caller, in either flow.
    named = {"access_token": {"nbf": {"essential": True, "value": "1700000000"}}}
    claims = json.dumps(named)
    microsoft.login(claims=claims)
    assert claims_of(asked_last(microsoft)) == named
    assert microsoft.token(claims=claims) == microsoft.token()
    microsoft.login(flow="device_code", connection="device", claims=claims)
    assert claims_of(server.asked(DEVICE_CODE)[-1]["parameters"]) == named
    microsoft.token(connection="device", claims=claims)
    assert len(server.refreshes()) == 1

    # The challenge was to this account: another one's grant is not put in its place.
    kept = microsoft.records()
    with fails("provider_rejected") as refused:
        microsoft.login(claims=claims, login_hint="boris@contoso.example")
    assert all(name in refused.value.message for name in (ANNA, "boris@contoso.example"))
    assert microsoft.records() == kept
    for wrong in ("essential", "[]"):
        with fails("config_invalid"):
            microsoft.login(claims=wrong)


def test_client_capabilities_are_sent(microsoft: Stage) -> None:
    server = microsoft.server
    with_ready_devices(microsoft)
    cp1 = {"xms_cc": {"values": ["cp1"]}}
    nbf = {"nbf": {"essential": True, "value": "1"}}
    claims = json.dumps({"access_token": nbf})

    async def log_in() -> None:
        async with microsoft.async_broker() as broker:

            async def login(flow: Any = "pkce", **options: Any) -> tokenkeep.Connection:
                return await broker.login("microsoft", flow=flow, interaction=Person(), **microsoft.named, **options)

            assert (await login()).client_capabilities == []
            assert claims_of(asked_last(microsoft)) is None
            assert (await login(client_capabilities=["cp1"])).client_capabilities == ["cp1"]
            assert claims_of(asked_last(microsoft)) == {"access_token": cp1}
            redeemed = server.asked("authorization_code")[-1]["parameters"]
            assert claims_of(redeemed) == {"access_token": cp1}
            # The next login remembers them, and adds them to what is demanded.
            assert (await login(claims=claims)).client_capabilities == ["cp1"]
            assert claims_of(asked_last(microsoft)) == {"access_token": {**nbf, **cp1}}
            # What the token was asked for is the demand; the capabilities are the client's.
            token = await broker.token("microsoft", claims=claims)
            assert broker.cached_token("microsoft") == token
            assert server.refreshes() == []
            # A refresh says them as well.
            await broker.token("microsoft", force_refresh=True)
            (refresh,) = server.refreshes()
            assert (claims_of(refresh["parameters"]) or {})["access_token"]["xms_cc"] == cp1["xms_cc"]

            await login("device_code")
            assert claims_of(server.asked(DEVICE_CODE)[-1]["parameters"]) == {"access_token": cp1}
            for wrong in ("cp 1", "", "cp1;x"):
                with fails("config_invalid"):
                    await login(client_capabilities=[wrong])

    asyncio.run(log_in())
