"""What tests in Python share: the scripted authorization server, and a home whose provider is that server.

    with Server() as server, Home(server) as home:
        broker = home.broker()
        home.log_in(broker)
        server.at_refresh({"type": "drop_after"})

The programs are built by `cargo build --workspace --bins` and lie in `target/debug`, or where
`TOKENKEEP_TEST_PROGRAMS` says.
"""

from .home import Home
from .programs import program
from .server import Server

__all__ = ["Home", "Server", "program"]
