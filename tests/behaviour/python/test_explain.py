"""Microsoft's error codes: what is said of them when somebody asks, and when they come."""

import asyncio
import json
import re
from pathlib import Path
from typing import List

import tokenkeep
from tokenkeep_testing import CLIENT_ID, ROOT, Person, Stage, Watcher
from tokenkeep_testing.failure import fails

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


def explained(code: int) -> tokenkeep.Explanation:
    """What is said of one code."""
    (explanation,) = tokenkeep.Broker().explain(str(code))
    return explanation


def command(error: tokenkeep.TokenkeepError) -> str:
    """The one command at the end of a help."""
    (found,) = re.findall("`([^`]*)`", error.help.splitlines()[-1])
    assert isinstance(found, str)
    return found


def codes_of(error: tokenkeep.TokenkeepError) -> List[int]:
    """The numbers that the server gave."""
    assert error.server is not None
    return error.server.error_codes


def test_explain_says_who_must_act(tmp_path: Path) -> None:
    table = (ROOT / "core/src/protocol/aadsts.toml").read_text()
    codes = re.findall(r"^\[(\d+)\]$", table, re.MULTILINE)
    assert len(codes) >= 146
    # On a machine where nobody has ever logged in.
    store = tmp_path / "store"
    broker = tokenkeep.Broker(home=store)
    explanations = broker.explain(" ".join(codes))
    assert [one.code for one in explanations] == [f"AADSTS{code}" for code in codes]
    for one in explanations:
        assert one.who in ("user", "developer", "administrator", "service", "nobody"), one
        assert one.name and one.meaning and one.remedy, one
        assert one.command is None or one.command.startswith("tokenkeep "), one
    assert broker.explain("65001") == broker.explain("aadsts65001") == [explained(65001)]
    assert (explained(65001).name, explained(65001).who) == ("DelegationDoesNotExist", "user")

    # A whole error, as it was pasted: each code once, and no number that is something else.
    pasted = {
        "error": "invalid_grant",
        "error_description": "AADSTS50076: no. Trace ID: 65001 AADSTS53003 AADSTS1",
        "error_codes": [50076],
        "port": 50173,
    }

    async def explain() -> List[str]:
        async with tokenkeep.AsyncBroker(home=store) as twin:
            return [one.code for one in await twin.explain(json.dumps(pasted))]

    assert asyncio.run(explain()) == ["AADSTS50076", "AADSTS53003"]
    for unknown in ("AADSTS4711", "4711", "port 65001", ""):
        with fails("config_invalid") as failure:
            broker.explain(unknown)
        assert ("https://login.microsoftonline.com/error?code=4711" in failure.value.help) == ("4711" in unknown)
    assert not store.exists(), "a question about a code makes no store"


def test_help_of_an_error_is_its_explanation(microsoft: Stage) -> None:
    # Each as Microsoft sends it: the grant lives on; the grant has ended; the app is to be put right.
    for code, refusal, number in (
        ("interaction_required", {"error": "invalid_grant", "suberror": "basic_action"}, 50076),
        ("login_required", {"error": "invalid_grant"}, 50173),
        ("provider_rejected", {"error": "invalid_client"}, 7000222),
    ):
        microsoft.login_expired(connection="work")
        microsoft.server.at_refresh({"type": "error", "numbers": [number], **refusal})
        with fails(code) as failure:
            microsoft.token(connection="work")
        explanation = explained(number)
        assert explanation.remedy in failure.value.help
        own = (explanation.command or "").replace("login microsoft", "login microsoft --connection work")
        assert command(failure.value) == own
        assert codes_of(failure.value) == [number]

    # What a support request needs is told with the refusal, and again while it is kept.
    microsoft.login_expired(connection="work")
    blocked = {"type": "error", "error": "invalid_grant", "suberror": "message_only", "numbers": [53003]}
    microsoft.server.at_refresh(blocked)
    before = len(microsoft.server.refreshes())
    with fails("interaction_required") as first:
        microsoft.token(connection="work")
    with fails("interaction_required") as again:
        microsoft.token(connection="work")
    assert len(microsoft.server.refreshes()) == before + 1
    assert (first.value.help, first.value.server) == (again.value.help, again.value.server)
    said = again.value.server
    assert said is not None and said.trace_id and len(said.correlation_id or "") == 36

    # A login that failed is not remembered: the command has what it was given.
    microsoft.server.at_redemption({"type": "error", "error": "invalid_client", "numbers": [7000218]})
    with fails("provider_rejected") as failure:
        microsoft.login(connection="home", scopes="Mail.Read")
    assert "Authentication -> Allow public client flows" in failure.value.help
    with_client = f"tokenkeep login microsoft --connection home --flow pkce --client-id {CLIENT_ID}"
    assert command(failure.value) == f'{with_client} --scopes "Mail.Read"'


def test_device_code_blocked_suggests_the_browser(microsoft: Stage) -> None:
    server = microsoft.server
    server.change(device_interval=1)

    def log_in(flow: str) -> None:
        person = Watcher() if flow == "device_code" else Person()
        microsoft.login(flow=flow, connection="work", interaction=person)

    def with_flow(flow: str) -> str:
        return f"tokenkeep login microsoft --connection work --flow {flow} --client-id {CLIENT_ID}"

    for code, error, number in (
        ("access_denied", "access_denied", 53003),
        ("access_denied", "authorization_declined", 50005),
        ("login_required", "invalid_grant", 53000),
        ("login_required", "invalid_grant", 530035),
    ):
        action = {"type": "error", "error": error, "numbers": [number]}
        server.push_fault({"endpoint": "token", "grant_type": DEVICE_CODE, "action": action})
        with fails(code) as failure:
            log_in("device_code")
        assert command(failure.value) == with_flow("pkce"), number
        said = failure.value.server
        assert said is not None and said.error_codes == [number] and len(said.correlation_id or "") == 36
    # Before there is a code, too.
    action = {"type": "error", "error": "invalid_grant", "numbers": [53003]}
    server.push_fault({"endpoint": "device", "action": action})
    with fails("login_required") as failure:
        log_in("device_code")
    assert command(failure.value) == with_flow("pkce")

    # The other way round: what the browser met, a device code can do without.
    for number in (50011, 500113):
        server.at_redemption({"type": "error", "error": "invalid_request", "numbers": [number]})
        with fails("provider_rejected") as failure:
            log_in("pkce")
        assert "http://localhost/callback" in failure.value.help
        assert command(failure.value) == with_flow("device-code"), number
    # What the browser met and a device code would meet as well is tried again as it was.
    server.at_redemption({"type": "error", "error": "access_denied", "numbers": [53003]})
    with fails("access_denied") as failure:
        log_in("pkce")
    assert command(failure.value) == with_flow("pkce")

    # Nobody but the person said no: there is no way to get by.
    with fails("access_denied") as failure:
        microsoft.login(flow="device_code", interaction=Person("--deny"))
    assert "--flow pkce" not in failure.value.help
