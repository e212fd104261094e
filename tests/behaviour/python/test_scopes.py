"""What was asked for, and what was granted."""

from tokenkeep_testing import Stage
from tokenkeep_testing.failure import fails


def test_scope_not_granted(acme: Stage, microsoft: Stage) -> None:
    acme.login()
    acme.secret(scopes="read")
    broker = acme.broker()
    for ask in (broker.token, broker.cached_token):
        with fails("scope_not_granted") as failure:
            ask("acme", scopes=["read", "admin"])
        error = failure.value
        assert "admin" in error.message and "read" not in error.message
        assert error.help.split("`")[1] == 'tokenkeep login acme --add-scopes "admin"'
    # The command that is named is for the connection that lacks the scope.
    acme.login(connection="work")
    with fails("scope_not_granted") as failure:
        acme.token(connection="work", scopes="admin")
    assert "--connection work" in failure.value.help
    assert acme.server.refreshes() == [], "nothing is sent for what is known to be missing"

    # Microsoft's spellings of one scope.
    graph = "https://graph.microsoft.com/User.Read"
    microsoft.server.at_redemption({"type": "mutate", "set": {"scope": graph}})
    microsoft.login(scopes="User.Read Mail.Send")
    for granted in ("User.Read", ["user.read"], [graph, "offline_access"]):
        microsoft.secret(scopes=granted)
    # The login asked for it, and in vain.
    with fails("scope_not_granted"):
        microsoft.token(scopes="mail.send")
    assert microsoft.server.refreshes() == []
    microsoft.login()
    microsoft.secret(scopes="mail.send")


def test_login_for_several_resources(microsoft: Stage) -> None:
    graph, outlook = "https://graph.microsoft.com/User.Read", "https://outlook.office.com/Mail.Read"
    about_the_person = "openid profile offline_access"
    connection = microsoft.login(scopes=[graph, outlook])
    # The person consents to all of it; a token is for one resource, and that is the first.
    assert asked_last(microsoft) == f"{graph} {outlook} {about_the_person}"
    (redeemed,) = microsoft.server.asked("authorization_code")
    assert redeemed["parameters"]["scope"] == f"{graph} {about_the_person}"
    assert (len(connection.requested_scopes), connection.missing_scopes) == (5, [])
    assert [held.resource for held in connection.access_tokens] == ["https://graph.microsoft.com"]
    # So is its refresh.
    microsoft.secret(force_refresh=True)
    (refresh,) = microsoft.server.refreshes()
    assert refresh["parameters"]["scope"] == redeemed["parameters"]["scope"]
    # A login again is for all of it.
    microsoft.login()
    assert asked_last(microsoft) == f"{graph} {outlook} {about_the_person}"

    # With a device code there is one request, and a token is what it is for: said before anybody is asked.
    before = microsoft.server.journal()["entries"]
    with fails("config_invalid") as failure:
        microsoft.login(flow="device_code", scopes=[graph, outlook])
    assert "https://outlook.office.com" in failure.value.message
    assert "--flow pkce" in failure.value.help
    assert microsoft.server.journal()["entries"] == before

    # Scopes of one resource: the code is redeemed for what was asked for.
    microsoft.login(scopes=[outlook])
    assert "scope" not in microsoft.server.asked("authorization_code")[-1]["parameters"]


def test_wider_scopes_ask_for_the_difference(microsoft: Stage, acme: Stage) -> None:
    anna, boris = "anna@contoso.example", "boris@contoso.example"
    user_read, outlook = "https://graph.microsoft.com/User.Read", "https://outlook.office.com/Mail.Read"
    about_the_person = "openid profile offline_access"
    # Without an earlier login they go beside the provider's own.
    microsoft.login(add_scopes="Mail.Read", login_hint=anna)
    assert asked_last(microsoft) == f"{user_read} Mail.Read {about_the_person}"
    # Then they are the difference, in whatever spelling it is named, for the same account.
    connection = microsoft.login(add_scopes=["user.read", "Calendars.Read"])
    assert asked_last(microsoft) == f"Calendars.Read {about_the_person}"
    sent = microsoft.server.asked_at("authorize")[-1]["parameters"]
    assert sent["login_hint"] == anna and "prompt" not in sent
    all_of_it = f"{user_read} Mail.Read {about_the_person} Calendars.Read"
    assert connection.requested_scopes == all_of_it.split()
    # Consent adds up: a refresh names all of it.
    microsoft.secret(force_refresh=True)
    assert microsoft.server.refreshes()[-1]["parameters"]["scope"] == all_of_it
    # Of another resource: the code is still redeemed for the connection's own.
    microsoft.login(add_scopes=[outlook])
    assert asked_last(microsoft) == f"{all_of_it} {outlook}"
    assert microsoft.server.asked("authorization_code")[-1]["parameters"]["scope"] == all_of_it
    # Nothing is new: the person is asked for all of it.
    microsoft.login(add_scopes="Mail.Read")
    assert asked_last(microsoft) == f"{all_of_it} {outlook}"

    # Somebody else's grant is not put in the place of this one.
    kept = microsoft.records()
    with fails("provider_rejected") as failure:
        microsoft.login(add_scopes="Files.Read", login_hint=boris)
    assert anna in failure.value.message and boris in failure.value.message
    assert "without --add-scopes" in failure.value.help
    assert microsoft.records() == kept
    assert microsoft.login(login_hint=boris).account.username == boris

    # Where nobody knows that consent adds up, all of it is asked for.
    acme.login()
    acme.login(add_scopes="admin")
    assert asked_last(acme) == "read write offline_access admin"
    with fails("config_invalid"):
        acme.login(scopes="read", add_scopes="admin")


def asked_last(stage: Stage) -> str:
    """The scopes of the last authorization request."""
    scope: str = stage.server.asked_at("authorize")[-1]["parameters"]["scope"]
    return scope


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
