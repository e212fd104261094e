"""What the tests of the package share: a strict server, and a home that is logged in to it."""

from collections.abc import Iterator

import pytest
import tokenkeep
from tokenkeep_testing import Home, Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A plain server, which rotates refresh tokens and detects reuse."""
    with Server() as server:
        yield server


@pytest.fixture
def home(server: Server) -> Iterator[Home]:
    """An empty store whose provider is the server."""
    with Home(server) as home:
        yield home


@pytest.fixture
def broker(home: Home) -> tokenkeep.Broker:
    """A broker that is logged in."""
    broker = home.broker()
    home.log_in(broker)
    return broker
