"""The network as the environment has it: a proxy, a certificate authority of the company's own, none at all."""

import pytest
from tokenkeep_testing import Internet
from tokenkeep_testing.failure import fails

LOGIN = "login.microsoftonline.com"


def test_proxies_and_certificates_of_the_environment(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    internet.login()
    token = internet.token(force_refresh=True)
    # The person's page, the code, the refresh.
    assert internet.tunnels() == [f"{LOGIN}:443"] * 3
    entries = internet.server.journal()["entries"]
    assert {entry["host"] for entry in entries} == {LOGIN}
    assert str(internet.connection().issuer).startswith(f"https://{LOGIN}/")

    # An authority that nobody vouches for: the request, with the refresh token in it, does not leave.
    with monkeypatch.context() as without:
        without.delenv("SSL_CERT_FILE")
        with fails("network") as failure:
            internet.token(force_refresh=True)
    assert LOGIN in failure.value.message and "SSL_CERT_FILE" in failure.value.help
    assert len(internet.server.journal()["entries"]) == len(entries)

    # An address of this machine that does not look like one. The certificate is not for it, which only who asks
    # directly finds out.
    issuer = f"https://[::ffff:127.0.0.1]:{internet.server.port}"
    before = len(internet.tunnels())
    with fails("network"):
        internet.broker().login("oidc", issuer=issuer, client_id="c")
    assert len(internet.tunnels()) == before + 1
    monkeypatch.setenv("NO_PROXY", "::ffff:127.0.0.1")
    with fails("network"):
        internet.broker().login("oidc", issuer=issuer, client_id="c")
    assert len(internet.tunnels()) == before + 1

    # The network is cut: what is at hand is as good as before.
    internet.server.stop()
    assert internet.token() == token
    with fails("network"):
        internet.token(force_refresh=True)
