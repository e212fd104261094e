"""App-only access: a client that asks in its own name, by a secret, a certificate or a key, and nobody who logs in."""

from datetime import date, datetime, timedelta, timezone
from typing import Any, Dict, Iterator, List

import pytest
import tokenkeep
from tokenkeep_testing import CLIENT_ID, ROOT, Stage
from tokenkeep_testing.failure import SECRETS, fails

SECRET = "canary-s3cret"
GRAPH = "https://graph.microsoft.com/.default"
VAULT = "https://vault.azure.net/.default"
VECTORS = ROOT / "tests/vectors/client_certificate"


@pytest.fixture
def microsoft() -> Iterator[Stage]:
    """Microsoft, where the client has a secret and a certificate."""
    client = ("--client", f"{CLIENT_ID}:{SECRET}", "--client-certificate", f"{CLIENT_ID}:{VECTORS / 'rsa.crt'}")
    with Stage("microsoft", *client) as stage:
        yield stage


def log_in(stage: Stage, **options: Any) -> tokenkeep.Connection:
    """Logs in as the application, of one organization unless `options` name another tenant."""
    connection = stage.login(flow="client_credentials", **{"tenant": "contoso.com", **options})
    assert not any(secret in repr(connection) for secret in [*SECRETS, "PRIVATE KEY"])
    return connection


def asked(stage: Stage) -> List[Dict[str, Any]]:
    """The requests that the client made for itself."""
    return stage.server.asked("client_credentials")


def pem(*names: str) -> str:
    """Files of `tests/vectors/client_certificate`, as one."""
    return "".join((VECTORS / name).read_text() for name in names)


def test_login_as_an_application_with_a_secret(microsoft: Stage, acme: Stage) -> None:
    for tenant in ("common", "organizations", "consumers"):
        with fails("config_invalid") as failure:
            log_in(microsoft, tenant=tenant, client_secret=SECRET)
        assert tenant in failure.value.message and "--tenant" in failure.value.help
    with fails("registration_missing") as failure:
        log_in(microsoft)
    assert "--credential-file" in failure.value.message and "Certificates & secrets" in failure.value.help
    with fails("config_invalid") as failure:
        log_in(microsoft, credential_file=microsoft.path / "no-such-file")
    assert "no-such-file" in failure.value.message
    assert microsoft.server.journal()["entries"] == []

    # A wrong secret is said at the login, and keeps nothing.
    with fails("provider_rejected"):
        log_in(microsoft, client_secret="canary-wrong")
    assert microsoft.records() == {}

    connection = log_in(microsoft, client_secret=SECRET)
    assert (connection.application, connection.has_refresh_token) == (True, False)
    assert (connection.granted_scopes, connection.account.username) == ([GRAPH], None)
    request = asked(microsoft)[-1]
    assert request["path"] == "/contoso.com/oauth2/v2.0/token"
    assert request["client_authentication"] == "client_secret_post"
    assert set(request["parameters"]) == {"client_id", "client_secret", "grant_type", "scope"}
    assert request["parameters"]["scope"] == GRAPH

    # One token for each resource, kept fresh as a person's are; any permission of a resource means all of them.
    before = len(asked(microsoft))
    token = microsoft.token()
    assert microsoft.resource(token.secret) == 200
    assert microsoft.token(scopes="Mail.Read") == token
    assert len(asked(microsoft)) == before
    vault = microsoft.token(scopes="https://vault.azure.net/user_impersonation")
    assert vault.resource == "https://vault.azure.net" and microsoft.token(scopes=[VAULT]) == vault != token
    assert len(asked(microsoft)) == before + 1
    assert asked(microsoft)[-1]["parameters"]["scope"] == VAULT
    newer = microsoft.token(force_refresh=True)
    assert newer != token
    assert asked(microsoft)[-1]["parameters"]["scope"] == GRAPH

    # What the server refuses ends nothing.
    microsoft.server.change(secrets_expired=True)
    with fails("provider_rejected"):
        microsoft.token(force_refresh=True)
    assert microsoft.token() == newer
    assert microsoft.connection().status == "connected"
    microsoft.server.change(secrets_expired=False)
    assert microsoft.resource(microsoft.secret(force_refresh=True)) == 200

    # The next login needs the flow alone.
    assert microsoft.broker().login("microsoft", flow="client_credentials").application
    assert microsoft.broker().logout("microsoft").revocation == "not_supported"
    with fails("unsupported"):
        acme.login(flow="client_credentials", client_secret=SECRET)


def test_login_as_an_application_with_a_certificate(microsoft: Stage) -> None:
    for names, why in (
        (["rsa.crt"], "no private key"),
        (["rsa.key"], "certificate beside the private key"),
        (["late.crt", "rsa.key"], "not that of its certificate"),
        (["ec.crt", "ec.key"], "not for RSA"),
        (["rsa.crt", "encrypted.key"], "encrypted"),
    ):
        with fails("config_invalid") as failure:
            log_in(microsoft, certificate=pem(*names))
        assert why in failure.value.message
    good = pem("rsa.crt", "rsa.key")
    # A certificate says itself when it ends, and proves no client that a person logs in with.
    with fails("config_invalid"):
        log_in(microsoft, certificate=good, credential_expires="2027-01-31")
    with fails("config_invalid"):
        microsoft.login(certificate=good)
    assert microsoft.server.journal()["entries"] == []

    file = microsoft.path / "credential.pem"
    file.write_text(good)
    connection = log_in(microsoft, credential_file=file)
    assert connection.credential_expires_at == datetime(2048, 10, 16, 18, 58, 42, tzinfo=timezone.utc)
    # The record has it: the file may go. The server takes no assertion twice.
    file.unlink()
    microsoft.server.change(assertion_replay="refused")
    first = microsoft.token()
    assert microsoft.token(force_refresh=True) != first
    microsoft.broker().login("microsoft", flow="client_credentials")
    assert len(asked(microsoft)) == 3
    for request in asked(microsoft):
        assert (request["client_authentication"], request["outcome"]["status"]) == ("private_key_jwt", 200)
        assert "client_secret" not in request["parameters"]
    assert log_in(microsoft, connection="text", certificate=pem("rsa.key", "rsa.crt")).application


@pytest.mark.parametrize(
    ("name", "other"), [("ec.key", "rsa.key"), ("ec_sec1.key", "rsa.key"), ("rsa_pkcs1.key", "ec.key")]
)
def test_login_as_an_application_with_a_private_key(name: str, other: str) -> None:
    public = VECTORS / ("ec.pub" if name.startswith("ec") else "rsa.pub")
    with Stage("acme", "--client-key", f"nightly:{public}") as stage:
        stage.add_provider(f'{stage.definition}[client_credentials]\nscopes = ["read"]\n')
        stage.named["client_id"] = "nightly"
        with fails("config_invalid") as failure:
            stage.login(flow="client_credentials", certificate=pem("p384.key"))
        assert "neither RSA nor on P-256" in failure.value.message
        assert stage.server.journal()["entries"] == []
        # Somebody else's key is not this client's.
        with fails("provider_rejected"):
            stage.login(flow="client_credentials", certificate=pem(other))

        before = len(asked(stage))
        file = stage.path / "credential.pem"
        file.write_text(pem(name))
        connection = stage.login(flow="client_credentials", credential_file=file)
        assert (connection.application, connection.credential_expires_at) == (True, None), "a key does not end"
        assert "PRIVATE KEY" not in repr(connection)
        # The record has it: the file may go. Each request has an assertion of its own, made for the issuer; the
        # server refuses one that it has seen, and any for its token endpoint.
        file.unlink()
        first = stage.token()
        assert stage.resource(first.secret) == 200
        assert stage.token(force_refresh=True) != first
        stage.broker().login("acme", flow="client_credentials")
        requests = asked(stage)[before:]
        assert len(requests) == 3
        for request in requests:
            assert (request["client_authentication"], request["outcome"]["status"]) == ("private_key_jwt", 200)


def test_expiring_client_secret_is_warned_about(microsoft: Stage) -> None:
    def dated(day: object, secret: str = SECRET) -> tokenkeep.Connection:
        return log_in(microsoft, client_secret=secret, credential_expires=str(day))

    with fails("config_invalid"):
        dated("31.1.2027")
    assert log_in(microsoft, client_secret=SECRET).credential_expires_at is None
    # The day is there for whoever warns about it, until something else counts.
    day = date.today() + timedelta(days=10)
    ends_at = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    assert dated(day).credential_expires_at == ends_at == microsoft.connection().credential_expires_at
    microsoft.token(force_refresh=True)
    assert microsoft.connection().credential_expires_at == ends_at

    # After that day a refusal says what it means, and what to do.
    good_once = {
        "type": "reply",
        "status": 200,
        "headers": [["content-type", "application/json"]],
        "body": '{"access_token": "access-first", "token_type": "Bearer", "expires_in": 3600}',
    }
    microsoft.server.push_fault({"endpoint": "token", "grant_type": "client_credentials", "action": good_once})
    dated("2020-01-31", "canary-old")
    with fails("provider_rejected") as failure:
        microsoft.token(force_refresh=True)
    assert "ended on 2020-01-31" in failure.value.help
    assert f"tokenkeep client set microsoft --client-id {CLIENT_ID} --client-secret-stdin" in failure.value.help

    # A secret that is stored since is the one that counts, and there is nothing left to warn about.
    broker = microsoft.broker()
    broker.set_registration("microsoft", client_id=CLIENT_ID, client_secret=SECRET)
    assert microsoft.resource(microsoft.secret(force_refresh=True)) == 200
    assert microsoft.connection().credential_expires_at is None
    broker.remove_registration("microsoft")
    assert microsoft.resource(microsoft.secret(force_refresh=True)) == 200
