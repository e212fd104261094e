"""The fixtures of the adapters' tests. What they send goes to this machine, whatever proxy the environment names."""

from typing import Iterator

import pytest
from stage import Stage
from tokenkeep_testing import Home, Server


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing leaves this machine."""
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    """An API of somebody else's."""
    with Server("entra") as server:
        yield server


@pytest.fixture
def strangers_stage() -> Iterator[Stage]:
    """A server that nobody has logged in to."""
    with Server("entra") as server, Home(server) as home:
        yield Stage(server, home)


@pytest.fixture
def stage(strangers_stage: Stage) -> Stage:
    """A server that somebody is logged in to."""
    strangers_stage.log_in()
    return strangers_stage
