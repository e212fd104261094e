"""The stage of a scenario: a server, a home whose provider is that server, and the calls that most scenarios make.

Each of these calls is made by a broker of its own, so that nothing counts but what is in the store. A scenario that is
about what one broker knows makes its own by `stage.broker()`.
"""

from pathlib import Path
from types import TracebackType
from typing import Any, Dict, Optional, Type

import tokenkeep

from .home import Home
from .server import Server
from .under_way import UnderWay


class Stage(Home):
    """A home and the server of its provider: `acme`, `microsoft`, `oidc` or `mcp`. The `with` block ends both."""

    def __init__(self, provider: str, *server_arguments: str) -> None:
        # Through a resource a client finds a server that it registers itself with, and that binds tokens to its key.
        offered = ["--options", '{"registration": {"enabled": true}, "dpop": {"mode": "on"}}']
        offered = offered if provider == "mcp" else []
        server = Server("entra" if provider == "microsoft" else "plain", *offered, *server_arguments)
        try:
            super().__init__(server, provider)
        except BaseException:
            server.stop()
            raise

    def __enter__(self) -> "Stage":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        raised: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.server.stop()
        super().__exit__(kind, raised, traceback)

    def login(self, **options: Any) -> tokenkeep.Connection:
        """Logs in, by browser unless `flow` says otherwise, with a person who says yes."""
        return self.log_in(self.broker(), **options)

    def begin_login(self, **options: Any) -> UnderWay:
        """Begins a login whose person is the test."""
        return UnderWay(self.broker(), self.provider, **{"flow": "pkce", **self.named, **options})

    def login_expired(self, **options: Any) -> None:
        """Logs in, and leaves a token that has expired already; the next ones live for an hour."""
        self.log_in_expired(self.broker(), **options)

    def token(self, **options: Any) -> tokenkeep.AccessToken:
        """The access token, refreshed first where that is needed."""
        return self.broker().token(self.provider, **options)

    def secret(self, **options: Any) -> str:
        """The access token itself."""
        return self.token(**options).secret

    def connection(self, name: Optional[str] = None) -> tokenkeep.Connection:
        """The connection."""
        return self.broker().connection(self.provider, connection=name)

    def resource(self, access_token: str) -> int:
        """The status of the resource with this token: 200 while it works."""
        return self.server.resource_status(access_token, self.resource_url)

    def records(self) -> Dict[Path, bytes]:
        """The sealed records, by path. What locks leave behind is not among them."""
        found = (self.store / "records").rglob("*")
        return {path: path.read_bytes() for path in sorted(found) if path.is_file()}
