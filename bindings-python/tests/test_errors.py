"""Every error code has its class, with what the table says of it."""

import json
import pickle
import sys
from datetime import datetime, timezone

import pytest
import tokenkeep
from tokenkeep import _native, errors
from tokenkeep_testing import Home, Server
from tokenkeep_testing.programs import ROOT

TABLE = json.loads((ROOT / "tests/vectors/errors.json").read_text())["errors"]


def record(code, **members):
    """An error as the native module has it."""
    default = {"message": "what happened", "help": "what to do", "retryable": False, "server": None}
    return {"code": code, **default, **members}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["code"])
def test_every_code_has_its_class(row):
    name = "".join(word.capitalize() for word in row["code"].split("_")) + "Error"
    kind = getattr(tokenkeep, name)
    assert issubclass(kind, tokenkeep.TokenkeepError)
    assert (kind.code, kind.retryable) == (row["code"], row["retryable"])
    assert type(_native.exception(record(row["code"]))) is kind


def test_there_is_no_class_without_a_code():
    assert {kind.code for kind in tokenkeep.TokenkeepError.__subclasses__()} == {row["code"] for row in TABLE}
    assert set(errors.__all__) <= set(tokenkeep.__all__)


def test_a_code_of_a_later_core_is_an_error_all_the_same():
    error = _native.exception(record("of_the_future", retryable=True))
    assert type(error) is tokenkeep.TokenkeepError
    assert (error.code, error.retryable, str(error)) == ("of_the_future", True, "what happened")


def test_an_error_says_what_happened_and_what_to_do(home: Home):
    with pytest.raises(tokenkeep.NotConnectedError) as raised:
        home.broker().token("acme")
    error = raised.value
    assert str(error) == error.message == "acme is not connected"
    assert error.help == "log in: `tokenkeep login acme`"
    assert (error.retryable, error.server) == (False, None)
    if sys.version_info >= (3, 11):
        assert error.__notes__ == [error.help]


def test_an_error_carries_the_fields_of_its_code(server: Server, home: Home, broker: tokenkeep.Broker):
    server.at_refresh({"type": "throttle", "retry_after_seconds": 30})
    with pytest.raises(tokenkeep.ThrottledError) as throttled:
        broker.token("acme", force_refresh=True)
    wait = throttled.value.retry_at - datetime.now(timezone.utc)
    assert 25 < wait.total_seconds() <= 31

    home.log_in(broker)
    server.revoke_all()
    with pytest.raises(tokenkeep.LoginRequiredError) as ended:
        broker.token("acme", force_refresh=True)
    assert ended.value.reason == "grant_ended"
    assert ended.value.server.error == "invalid_grant"


def test_an_error_can_be_sent_to_another_process():
    server = {
        "error": "invalid_grant",
        "description": "words",
        "suberror": "sub",
        "error_codes": [70008],
        "trace_id": "trace",
        "correlation_id": "correlation",
    }
    error = _native.exception(record("login_required", server=server, reason="grant_ended"))
    assert error.server == tokenkeep.ServerError(**server)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is tokenkeep.LoginRequiredError
    assert (str(copy), copy.__dict__) == (str(error), error.__dict__)


def test_an_argument_that_is_none_is_an_error_of_its_own(home: Home):
    broker = home.broker()
    for call in [
        lambda: broker.token("No Name"),
        lambda: broker.token("acme", connection=""),
        lambda: broker.token("acme", scopes=["a b"]),
        lambda: broker.login("acme", flow="implicit"),
        lambda: tokenkeep.Broker(key_source="drawer"),
    ]:
        with pytest.raises(tokenkeep.ConfigInvalidError):
            call()
    for seconds in [-1, float("nan"), float("inf")]:
        with pytest.raises(tokenkeep.ConfigInvalidError):
            broker.token("acme", min_lifetime=seconds)
    for wrong in [{"scopes": 1}, {"scopes": [1]}, {"connection": b"x"}, {"force_refresh": "yes"}]:
        with pytest.raises(TypeError):
            broker.token("acme", **wrong)
