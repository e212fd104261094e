"""A person logs in with a code, on another device."""

import re
import time

from tokenkeep_testing import Stage, UnderWay, Watcher, person
from tokenkeep_testing.failure import fails

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


def begin(stage: Stage, **options: str) -> UnderWay:
    """A device login that waits, at a server that wants to be asked every second."""
    stage.server.change(device_interval=1)
    return stage.begin_login(flow="device_code", **options)


def test_login_with_a_device_code(acme: Stage) -> None:
    login = begin(acme)
    device = login.device
    assert re.fullmatch("[A-Z]{4}-[A-Z]{4}", device.user_code), device.user_code
    assert device.verification_uri.startswith(f"{acme.server.origin}/device")
    assert device.user_code in (device.verification_uri_complete or "")
    assert (device.expires_in, device.message) == (900, None)
    person.enter_user_code(device.verification_uri, device.user_code.lower())
    assert login.finish().status == "connected"
    assert [told[:2] for told in login.told] == [
        ("flow_chosen", "device_code"),
        ("show_device_authorization", device),
    ]
    assert acme.resource(acme.secret()) == 200


def test_device_login_slows_down_when_told(acme: Stage) -> None:
    acme.server.change(device_interval=1, device_approve_after=1)
    slow_down = {"type": "slow_down"}
    acme.server.push_fault({"endpoint": "token", "grant_type": DEVICE_CODE, "skip": 1, "action": slow_down})
    acme.login(flow="device_code", interaction=Watcher())
    # pending, slow_down, granted: RFC 8628 3.5 adds five seconds to the interval of one.
    first, second = acme.server.journal()["poll_gaps"]
    assert 1000 <= first < 3000 and second >= 6000


def test_device_login_at_microsoft(microsoft: Stage) -> None:
    login = begin(microsoft, tenant="organizations")
    device = login.device
    # Microsoft's own words.
    assert device.message is not None
    assert "To sign in, use a web browser to open the page" in device.message
    assert device.user_code in device.message and device.verification_uri in device.message
    person.enter_user_code(device.verification_uri, device.user_code)
    connection = login.finish()
    assert connection.account.username == "person@example.com"
    assert connection.account.home_account_id and connection.tenant == "organizations"

    (asked,) = microsoft.server.asked_at("device")
    assert asked["path"] == "/organizations/oauth2/v2.0/devicecode"
    scope = "https://graph.microsoft.com/User.Read openid profile offline_access"
    assert asked["parameters"]["scope"] == scope
    polls = microsoft.server.asked(DEVICE_CODE)
    for entry in [*polls, asked]:
        assert not entry["origin"]
        assert not {"client_secret", "resource"} & set(entry["parameters"])
    assert polls and all(poll["parameters"]["client_info"] == "1" for poll in polls)


def test_device_login_denied(acme: Stage, microsoft: Stage) -> None:
    for stage in (acme, microsoft):
        login = begin(stage)
        person.enter_user_code(login.device.verification_uri, login.device.user_code, "--deny")
        with fails("access_denied"):
            login.finish()
        assert stage.records() == {}
        assert len(stage.server.asked(DEVICE_CODE)) == 1, "a no is final"


def test_device_code_expired(microsoft: Stage) -> None:
    # The server says so.
    microsoft.server.change(device_interval=1)
    microsoft.server.push_fault({"endpoint": "token", "action": {"type": "expired_token"}})
    with fails("login_timed_out"):
        microsoft.login(flow="device_code", interaction=Watcher())
    assert len(microsoft.server.asked(DEVICE_CODE)) == 1

    # The code's time is over before the next poll: nobody asks any more.
    microsoft.server.change(device_interval=5, device_lifetime=1)
    begun = time.monotonic()
    with fails("login_timed_out"):
        microsoft.login(flow="device_code", interaction=Watcher())
    assert time.monotonic() - begun < 4
    assert len(microsoft.server.asked(DEVICE_CODE)) == 1
    assert microsoft.records() == {}
