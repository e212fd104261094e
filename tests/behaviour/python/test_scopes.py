"""What was asked for, and what was granted."""

from tokenkeep_testing import Stage
from tokenkeep_testing.failure import fails


def test_scope_not_granted(microsoft: Stage) -> None:
    microsoft.login()
    # Microsoft's spellings of one scope.
    for granted in ("User.Read", ["user.read"], ["https://graph.microsoft.com/User.Read", "offline_access"]):
        microsoft.secret(scopes=granted)
    broker = microsoft.broker()
    for ask in (broker.token, broker.cached_token):
        with fails("scope_not_granted") as failure:
            ask("microsoft", scopes=["User.Read", "Mail.Send"])
        error = failure.value
        assert "Mail.Send" in error.message and "User.Read" not in error.message
        command = error.help.split("`")[1]
        assert command.startswith('tokenkeep login microsoft --scopes "')
        assert "User.Read" in command and "Mail.Send" in command
    assert microsoft.server.refreshes() == [], "nothing is sent for what is known to be missing"

    # The command that is named is for the connection that lacks the scope.
    microsoft.login(connection="work")
    with fails("scope_not_granted") as failure:
        microsoft.token(connection="work", scopes="Mail.Send")
    assert "--connection work" in failure.value.help

    microsoft.login(scopes="User.Read Mail.Send")
    microsoft.secret(scopes="mail.send")


def test_scopes_of_two_resources_are_refused_before_anybody_is_asked(microsoft: Stage) -> None:
    with fails("config_invalid") as failure:
        microsoft.login(scopes=["User.Read", "https://outlook.office.com/Mail.Read"])
    assert "https://outlook.office.com" in failure.value.message
    assert "--connection" in failure.value.help
    assert microsoft.server.journal()["entries"] == []
    microsoft.login(scopes=["https://outlook.office.com/Mail.Read"])
    assert "https://outlook.office.com/Mail.Read" in microsoft.token().scopes


def test_narrower_scope_is_kept_and_warned(acme: Stage) -> None:
    acme.server.at_redemption({"type": "mutate", "set": {"scope": "read offline_access"}})
    connection = acme.login()
    assert connection.missing_scopes == ["write"]
    assert connection.granted_scopes == ["read", "offline_access"]
    assert connection.requested_scopes == ["read", "write", "offline_access"]
    assert acme.connection() == connection
    assert acme.token(scopes="read").scopes == ["read", "offline_access"]
    with fails("scope_not_granted"):
        acme.token(scopes="write")

    # RFC 6749 6: a refresh must not ask for what was not granted.
    with Stage("microsoft") as stage:
        granted = "https://graph.microsoft.com/User.Read"
        stage.server.at_redemption({"type": "mutate", "set": {"scope": granted}})
        assert stage.login(scopes=["User.Read", "Mail.Send"]).missing_scopes == ["Mail.Send"]
        stage.secret(force_refresh=True)
        (refresh,) = stage.server.refreshes()
        assert "User.Read" in refresh["parameters"]["scope"]
        assert "Mail.Send" not in refresh["parameters"]["scope"]

    # Without a word about scopes it is what was asked for (RFC 6749 5.1).
    with Stage("acme") as stage:
        stage.server.at_redemption({"type": "mutate", "remove": ["scope"]})
        connection = stage.login()
        assert connection.missing_scopes == []
        assert connection.granted_scopes == ["read", "write", "offline_access"]
