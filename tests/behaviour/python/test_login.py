"""A person logs in with the browser, by pasting, or does not finish."""

from tokenkeep_testing import CLIENT_ID, Person, Stage, is_closed, person, until
from tokenkeep_testing.failure import fails


def test_login_denied(microsoft: Stage) -> None:
    microsoft.server.change(person="form")
    with fails("access_denied") as failure:
        microsoft.login(interaction=Person("--deny"))
    assert "access_denied" in failure.value.message
    assert failure.value.server is not None and failure.value.server.error == "access_denied"
    assert microsoft.server.asked("authorization_code") == [] and microsoft.records() == {}
    # The same person has another thought.
    assert microsoft.login().status == "connected"
