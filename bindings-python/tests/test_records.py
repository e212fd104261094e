"""What a broker hands out: immutable, comparable, and silent about secrets."""

import base64
import copy
import pickle
from datetime import datetime, timedelta, timezone

import pytest
import tokenkeep
from tokenkeep_testing import Home, Server, Stage
from tokenkeep_testing.failure import fails


def test_a_token_has_its_fields(broker: tokenkeep.Broker, server: Server):
    token = broker.token("acme", scopes=["read"])
    assert server.resource_status(token.secret) == 200
    assert token.authorization_header() == f"Bearer {token.secret}"
    assert (token.token_type, token.resource) == ("Bearer", None)
    assert (token.provider, token.connection) == ("acme", "default")
    assert set(token.scopes) >= {"read", "write"}
    assert timedelta(minutes=55) < token.expires_at - datetime.now(timezone.utc) <= timedelta(hours=1)
    assert token == broker.cached_token("acme")
    assert token != broker.token("acme", force_refresh=True)


def test_a_token_is_told_to_mail_servers(broker: tokenkeep.Broker):
    token = broker.token("acme")
    for mechanism, told in [("xoauth2", "user=me@acme.example"), ("oauthbearer", "n,a=me@acme.example,")]:
        response = base64.b64decode(token.sasl(mechanism, "me@acme.example")).decode()
        assert response == f"{told}\x01auth=Bearer {token.secret}\x01\x01"
    for mechanism, user in [("xoauth2", "a\r\nb"), ("plain", "me")]:
        with fails("config_invalid") as failure:
            token.sasl(mechanism, user)
        assert token.secret not in str(failure.value)


def test_no_secret_is_shown(home: Home, broker: tokenkeep.Broker):
    token = broker.token("acme")
    secret_client = broker.set_registration("acme", client_id="mine", client_secret="s3cret-of-mine")
    opened = tokenkeep.Broker(home=home.store, passphrase="s3cret-of-mine")
    connections = [broker.connection("acme"), broker.connections(), next(broker.connection_changes())]
    shown = [token, broker, opened, secret_client, *connections, broker.inspect()]
    for text in [form(thing) for thing in shown for form in (repr, str, format)]:
        assert token.secret not in text
        assert "s3cret-of-mine" not in text
    assert repr(token).startswith("AccessToken(provider='acme', connection='default', expires_at=datetime")


def test_secrets_and_brokers_are_not_copied(home: Home, broker: tokenkeep.Broker):
    pending = broker.begin_login("acme", redirect_uri="http://127.0.0.1/callback")
    for thing in [broker.token("acme"), broker, home.async_broker(), pending]:
        for way in [pickle.dumps, copy.copy, copy.deepcopy]:
            with pytest.raises(TypeError, match="not (pickled or copied|copied or pickled)"):
                way(thing)


def test_a_record_cannot_be_changed(broker: tokenkeep.Broker):
    connection = broker.connection("acme")
    with pytest.raises(AttributeError):
        connection.provider = "other"
    connection.granted_scopes.append("more")
    assert "more" not in connection.granted_scopes
    assert connection == broker.connection("acme")


def test_a_connection_has_its_fields(home: Home, broker: tokenkeep.Broker):
    connection = broker.connection("acme")
    assert (connection.provider, connection.connection) == ("acme", "default")
    assert (connection.status, connection.login_required) == ("connected", None)
    assert connection.requested_scopes == ["read", "write", "offline_access"]
    assert connection.missing_scopes == []
    assert connection.has_refresh_token and connection.client_id == "public"
    assert connection.logged_in_at.tzinfo is timezone.utc and connection.refreshed_at is None
    assert (connection.application, connection.credential_expires_at) == (False, None)
    assert connection.client_capabilities == []
    (held,) = connection.access_tokens
    assert (held.resource, held.scopes) == (None, connection.granted_scopes)
    assert held.expires_at == connection.expires_at
    assert (connection.account.object_id, connection.account.guest) == (None, False)
    home.log_in(broker, connection="work")
    both = broker.connections()
    assert [one.connection for one in both.connections] == ["default", "work"]
    assert both.damaged == [] and both.connections[0] == connection


def test_a_damaged_file_is_listed_and_hides_nothing(home: Home, broker: tokenkeep.Broker):
    (record,) = (home.store / "records").iterdir()
    home.log_in(broker, connection="work")
    record.write_bytes(b"damaged")
    found = broker.connections()
    assert [one.connection for one in found.connections] == ["work"]
    assert [type(error) for error in found.damaged] == [tokenkeep.StoreCorruptError]


def test_a_logout_says_what_became_of_the_grant(broker: tokenkeep.Broker):
    outcome = broker.logout("acme")
    assert (outcome.provider, outcome.connection) == ("acme", "default")
    assert (outcome.revocation, outcome.detail) == ("revoked", None)
    with pytest.raises(tokenkeep.NotConnectedError):
        broker.connection("acme")


def test_providers_and_their_files(home: Home, broker: tokenkeep.Broker):
    (home.store / "providers" / "broken.toml").write_text("schema = 2")
    all_of_them = broker.providers()
    assert {"acme", "microsoft", "oidc"} <= {provider.name for provider in all_of_them.providers}
    assert [type(error) for error in all_of_them.damaged] == [tokenkeep.ConfigInvalidError]
    own, bundled = broker.provider("acme"), broker.provider("microsoft")
    assert (own.origin, own.file) == ("user", str(home.store / "providers" / "acme.toml"))
    assert (bundled.origin, bundled.file) == ("bundled", None)
    assert ("token", f"{home.server.origin}/token") in [(one.name, one.url) for one in own.endpoints]
    assert own.display_name == "Acme" and 'name = "acme"' in own.definition
    assert broker.remove_provider("acme") and not broker.remove_provider("acme")


def test_presets_and_what_is_odd_about_a_list_of_scopes():
    with Stage("microsoft") as stage:
        broker = stage.broker()
        mail = [preset.scopes for preset in broker.provider("microsoft").presets if preset.name == "mail-read"]
        assert mail == [["https://graph.microsoft.com/Mail.Read"]]
        check = broker.check_scopes("microsoft", ["mail-read", "Files.Read"])
        assert (check.scopes, check.resources) == ([*mail[0], "Files.Read"], ["https://graph.microsoft.com"])
        (finding,) = check.findings
        assert (finding.kind, finding.scopes) == ("offline_access_missing", ["offline_access"])
        assert finding.message.startswith("offline_access is missing") and finding.help
        assert broker.check_scopes("microsoft", "mail-read offline_access").findings == []
        with fails("unknown_provider"):
            broker.check_scopes("nobody", "read")


def test_an_explanation_has_its_fields(home: Home):
    first, second = home.broker().explain("AADSTS65001: no consent. Earlier: AADSTS50076")
    assert (first.code, first.name) == ("AADSTS65001", "DelegationDoesNotExist")
    assert (second.code, second.who) == ("AADSTS50076", "user")
    assert first.meaning and first.remedy and first.command.startswith("tokenkeep ")
    with fails("config_invalid"):
        home.broker().explain("nothing of the kind")


def test_an_administrators_consent_has_its_fields():
    with Stage("microsoft") as stage:
        broker = stage.broker()
        asked = broker.admin_consent_url("microsoft", tenant="contoso.example", client_id="mine", scopes="User.Read")
        assert asked.state in asked.url and "contoso.example" in asked.url and asked.redirect_uri
        tenant = "61dc0a5c-2d3e-4f6a-8b7c-9d0e1f2a3b4c"
        answer = f"{asked.redirect_uri}?admin_consent=True&tenant={tenant}&state={asked.state}&scope=User.Read"
        given = broker.read_admin_consent(asked.state, answer)
        assert (given.tenant, given.scopes) == (tenant, ["User.Read"])
        with fails("provider_rejected"):
            broker.read_admin_consent("of another request", answer)


def test_registrations(broker: tokenkeep.Broker):
    assert broker.registration("acme") is None
    kept = broker.set_registration("acme", client_id="mine", client_secret="s3cret")
    assert kept == broker.registration("acme")
    assert (kept.provider, kept.client_id, kept.has_client_secret) == ("acme", "mine", True)
    removed = broker.remove_registration("acme")
    assert removed is not None and (removed.provider, removed.issuer) == ("acme", None)
    assert (removed.deletion, removed.detail) == ("not_managed", None)
    assert broker.remove_registration("acme") is None


def test_a_look_at_the_store(home: Home):
    broker = home.broker()
    before = broker.inspect()
    assert (before.key, before.key_source, before.key_error) == ("no_vault", None, None)
    made = broker.initialize()
    assert (made.key, made.key_source, made.home) == ("found", "file", str(home.store))
    assert all(file.mode & 0o77 == 0 and not file.open_to_others for file in made.files)
    (home.store / "vault.key").unlink()
    missing = home.broker().inspect()
    assert missing.key == "missing" and isinstance(missing.key_error, tokenkeep.StoreLockedError)
    with pytest.raises(tokenkeep.StoreLockedError):
        home.broker().initialize()
