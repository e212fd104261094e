"""The stages that scenarios ask for by name; `scenarios.md` names the scenarios, the files are themes as in Rust."""

import os
from typing import Iterator

import pytest
from tokenkeep_testing import Internet, Stage


@pytest.fixture(autouse=True)
def _nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer has set for their own use says nothing here."""
    for name in list(os.environ):
        own = name.startswith("TOKENKEEP_") and not name.startswith("TOKENKEEP_TEST_")
        if own or name.endswith("_OAUTH_CLIENT_ID"):
            monkeypatch.delenv(name)
    # No test sees, or makes an entry in, the developer's own keychain.
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")


@pytest.fixture
def acme() -> Iterator[Stage]:
    """A provider file of the user's own, for a strict server that rotates and detects reuse."""
    with Stage("acme") as stage:
        yield stage


@pytest.fixture
def microsoft() -> Iterator[Stage]:
    """The bundled definition of Microsoft, with a server in the Entra dialect as its cloud."""
    with Stage("microsoft") as stage:
        yield stage


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    """Microsoft by the names of its own hosts, where the environment of this process leads."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    with Internet() as stage:
        for name, value in stage.network.items():
            monkeypatch.setenv(name, value)
        yield stage


@pytest.fixture
def oidc() -> Iterator[Stage]:
    """Any server with published metadata, found through its issuer."""
    with Stage("oidc") as stage:
        yield stage


@pytest.fixture
def mcp() -> Iterator[Stage]:
    """An MCP server, through whose metadata a client finds the server, registers itself and binds its tokens."""
    with Stage("mcp") as stage:
        yield stage
