"""The fixtures of the adapters' tests. What they send goes to this machine, whatever proxy the environment names."""

from typing import Iterator

import pytest
from api import Api
from stage import Proofs, Stage
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


@pytest.fixture
def api() -> Iterator[Api]:
    """An API that shows the headers of what it was sent."""
    with Api() as api:
        yield api


@pytest.fixture
def own_stage(api: Api) -> Iterator[Stage]:
    """A server of whose API the tokens go into a header of its own. Somebody is logged in to it."""
    with Server() as server, Home(server) as home:
        carried = f'[api]\nhosts = ["{api.host}"]\nheader = "X-Acme-Token"\nscheme = ""\n'
        home.add_provider(home.definition + carried)
        stage = Stage(server, home)
        stage.log_in()
        yield stage


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> Proofs:
    """Brokers whose tokens are bound to a key."""
    return Proofs(monkeypatch)
