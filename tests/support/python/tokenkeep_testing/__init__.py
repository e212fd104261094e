"""What tests in Python share: the scripted authorization server, and a home whose provider is that server.

    with Server() as server, Home(server) as home:
        broker = home.broker()
        home.log_in(broker)
        server.at_refresh({"type": "drop_after"})

| module | holds |
|---|---|
| `server` | the server |
| `home` | a store whose provider is that server |
| `stage` | both, and the calls that scenarios make |
| `internet` | the same with the names of Microsoft's own hosts |
| `under_way` | a login that waits for its person |
| `person` | what a person and a browser do |
| `crowd` | processes that ask for the same token at once |
| `failure` | how a call says that it failed; wants pytest, and is imported by its name |

The programs are built by `cargo build --workspace --bins` and lie in `target/debug`, or where
`TOKENKEEP_TEST_PROGRAMS` says.
"""

from .crowd import Crowd
from .home import CLIENT_ID, Home
from .internet import Internet
from .person import Person
from .programs import ROOT, program
from .server import Server, until
from .stage import Stage
from .under_way import UnderWay, Watcher, is_closed

__all__ = [
    "CLIENT_ID",
    "ROOT",
    "Crowd",
    "Home",
    "Internet",
    "Person",
    "Server",
    "Stage",
    "UnderWay",
    "Watcher",
    "is_closed",
    "program",
    "until",
]
