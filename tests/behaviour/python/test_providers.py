"""Providers are data, and the user's own files win."""

from pathlib import Path

import pytest
import tokenkeep
from tokenkeep_testing import ROOT, Stage
from tokenkeep_testing.failure import check, fails


def the_provider(stage: Stage) -> tokenkeep.Provider:
    """Microsoft, among all providers."""
    all_of_them = stage.broker().providers()
    assert all_of_them.damaged == []
    # Each name stands once.
    (found,) = (provider for provider in all_of_them.providers if provider.name == "microsoft")
    assert stage.broker().provider("microsoft") == found
    return found


def test_provider_file_wins_over_bundled(microsoft: Stage) -> None:
    mine = the_provider(microsoft)
    assert (mine.origin, mine.definition) == ("user", microsoft.definition)
    assert mine.file is not None and Path(mine.file).read_text() == microsoft.definition
    # Who adds a file is shown where secrets will go.
    assert any(microsoft.server.origin in endpoint for endpoint in [one.url for one in mine.endpoints])
    microsoft.login()
    assert len(microsoft.server.asked("authorization_code")) == 1

    # Without the file the bundled one is used again; a grant still goes back to where it came from.
    assert microsoft.broker().remove_provider("microsoft") is True
    bundled = the_provider(microsoft)
    assert (bundled.origin, bundled.file) == ("bundled", None)
    assert bundled.definition.strip() == (ROOT / "core/providers/microsoft.toml").read_text().strip()
    assert not any(microsoft.server.origin in endpoint for endpoint in [one.url for one in bundled.endpoints])
    assert microsoft.resource(microsoft.secret(force_refresh=True)) == 200
    assert microsoft.broker().remove_provider("microsoft") is False
    assert microsoft.add_provider(microsoft.definition) == mine


def test_bundled_providers_are_listed(acme: Stage) -> None:
    broker = acme.broker()
    broker.remove_provider("acme")
    found = broker.providers()
    assert found.damaged == []
    by_name = {provider.name: provider for provider in found.providers}
    assert len(by_name) == len(found.providers) >= 64 and list(by_name) == sorted(by_name)
    for name, provider in by_name.items():
        assert (provider.origin, provider.file) == ("bundled", None), name
        assert provider.confidence in ("high", "medium", "low"), name
        assert provider.documentation is not None and provider.documentation.startswith("https://"), name
        assert all(isinstance(host, str) for host in provider.api_hosts), name
        # Its file, as it is.
        assert provider.definition == (ROOT / f"core/providers/{name}.toml").read_text(), name
    assert by_name["linear"].api_hosts == ["api.linear.app"]
    (host,) = by_name["gitlab"].values
    assert (host.name, host.default, host.learnt) == ("host", "gitlab.com", False)
    assert host.description == "the server: gitlab.com, gitlab.example.com"
    assert by_name["wrike"].values[0].learnt is True

    # A slip of the fingers is answered with what was meant, and not with all of them.
    with fails("unknown_provider") as failure:
        broker.provider("githb")
    assert "did you mean github?" in failure.value.message and "microsoft" not in failure.value.message
    assert "`tokenkeep providers`" in failure.value.help


@pytest.mark.parametrize(
    ("good", "broken", "at", "said"),
    [
        ('token = "', 'token = "ftp://', "token = ", 'endpoints.token: expected an https URL, found "ftp://'),
        ('token = "', 'token = 1 # "', "token = ", "endpoints.token: expected a text, found integer 1"),
        ("token = ", "tokem = ", "token = ", "endpoints.tokem: expected one of authorization, token,"),
        ("schema = 1", "schema = 2", "schema = ", "schema: expected schema = 1, found 2"),
    ],
)
def test_broken_provider_file_names_the_line(acme: Stage, good: str, broken: str, at: str, said: str) -> None:
    acme.login()
    lines = acme.definition.splitlines()
    line = 1 + next(number for number, text in enumerate(lines) if text.startswith(at))
    definition = acme.definition.replace(good, broken, 1)
    kept = acme.store / "providers/acme.toml"
    with fails("config_invalid") as failure:
        acme.add_provider(definition)
    assert f"acme.toml:{line}: {said}" in failure.value.message
    assert kept.read_text() == acme.definition, "a broken file replaces nothing"

    # One that was broken by hand harms nobody else.
    kept.write_text(definition)
    for call in (acme.login, lambda: acme.broker().provider("acme")):
        with fails("config_invalid") as failure:
            call()
        assert f"acme.toml:{line}: {said}" in failure.value.message
    found = acme.broker().providers()
    assert "microsoft" in [provider.name for provider in found.providers]
    (damaged,) = found.damaged
    check(damaged, "config_invalid")
    assert f"acme.toml:{line}: {said}" in damaged.message
    assert acme.resource(acme.secret(force_refresh=True)) == 200

    kept.write_text(acme.definition)
    acme.login()
    with fails("config_invalid"):
        acme.broker().add_provider(acme.path / "nonexistent.toml")
