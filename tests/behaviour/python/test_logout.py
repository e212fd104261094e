"""A connection ends: at the server where that can be, and here in any case."""

from tokenkeep_testing import Stage
from tokenkeep_testing.failure import fails


def test_logout_revokes_and_deletes(acme: Stage) -> None:
    acme.login()
    token = acme.secret(force_refresh=True)
    newest = acme.server.refreshes()[0]["outcome"]["issued"]["refresh_token"]
    outcome = acme.broker().logout("acme")
    assert (outcome.provider, outcome.connection) == ("acme", "default")
    assert (outcome.revocation, outcome.detail) == ("revoked", None)
    assert_gone(acme)
    assert acme.resource(token) == 401, "the server ended it"
    (revoked,) = acme.server.asked_at("revoke")
    # RFC 7009 2.1: with the refresh token the server ends the whole grant.
    assert revoked["parameters"]["token_type_hint"] == "refresh_token"
    assert revoked["parameters"]["token"] == newest

    # One of two: the other goes on.
    acme.login(connection="a")
    acme.login(connection="b")
    outcome = acme.broker().logout("acme", connection="a")
    assert (outcome.connection, outcome.revocation) == ("a", "revoked")
    assert [one.connection for one in acme.broker().connections().connections] == ["b"]
    assert acme.resource(acme.secret(connection="b")) == 200
    assert acme.broker().logout("acme", connection="b").revocation == "revoked"
    assert_gone(acme)

    # A grant that had ended is not asked about.
    acme.login_expired()
    acme.server.revoke_all()
    with fails("login_required"):
        acme.token()
    outcome = acme.broker().logout("acme")
    assert (outcome.revocation, outcome.detail) == ("already_ended", None)
    assert_gone(acme)


def test_logout_without_revocation_endpoint_says_so(microsoft: Stage) -> None:
    microsoft.login()
    outcome = microsoft.broker().logout("microsoft")
    assert outcome.revocation == "not_supported"
    assert outcome.detail is not None and "https://myaccount.microsoft.com" in outcome.detail
    assert_gone(microsoft)


def test_logout_when_the_server_is_down_still_deletes(acme: Stage) -> None:
    for trouble in (
        {"type": "reply", "status": 503, "body": "canary"},
        {"type": "drop_before"},
        {"type": "error", "status": 401, "error": "invalid_client"},
    ):
        acme.login()
        acme.server.push_fault({"endpoint": "revoke", "action": trouble})
        assert_failed(acme)
    acme.login()
    acme.server.stop()
    assert_failed(acme)


def test_logout_forgets_the_client(oidc: Stage) -> None:
    broker = oidc.broker()
    issuer = oidc.server.issuer
    registered = broker.set_registration("oidc", issuer=issuer, client_id="public")
    oidc.login(client_id=None)
    # Only when it is asked for.
    broker.logout("oidc")
    assert broker.registration("oidc", issuer=issuer) == registered
    assert (registered.client_id, registered.has_client_secret) == ("public", False)

    oidc.login(client_id=None)
    broker.logout("oidc")
    removed = broker.remove_registration("oidc", issuer=issuer)
    assert removed is not None and removed.deletion == "not_managed"
    assert broker.registration("oidc", issuer=issuer) is None
    assert broker.remove_registration("oidc", issuer=issuer) is None
    with fails("registration_missing"):
        oidc.login(client_id=None)


def assert_failed(stage: Stage) -> None:
    """A logout deletes the connection here, and says that it could not be ended there, and why."""
    outcome = stage.broker().logout("acme")
    assert outcome.revocation == "failed"
    assert outcome.detail and "canary" not in repr(outcome)
    assert_gone(stage)


def assert_gone(stage: Stage) -> None:
    """Nothing is kept of it, and nothing can be done with it."""
    assert stage.records() == {}
    with fails("not_connected"):
        stage.token()
    with fails("not_connected"):
        stage.broker().logout(stage.provider)
