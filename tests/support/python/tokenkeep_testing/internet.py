"""The stage that has the names of the internet: the bundled definition of Microsoft as it is, and its hosts behind a
proxy, vouched for by an authority of the test's own. Nothing leaves this machine."""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Dict, List, Optional, Type

from .stage import Stage

HOSTS = ["login.microsoftonline.com", "graph.microsoft.com"]


class Internet(Stage):
    """A home whose provider is Microsoft, for whoever has `network` in the environment."""

    def __init__(self) -> None:
        self._authority = tempfile.TemporaryDirectory()
        names = [argument for host in HOSTS for argument in ("--tls-name", host)]
        super().__init__("microsoft", "--proxy", "--tls-directory", self._authority.name, *names)
        # The user's own file goes, so that the bundled one counts.
        self.broker().remove_provider("microsoft")

    def __enter__(self) -> "Internet":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        raised: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        super().__exit__(kind, raised, traceback)
        self._authority.cleanup()

    @property
    def network(self) -> Dict[str, str]:
        """The variables that lead to the hosts."""
        assert self.server.proxy is not None
        return {"HTTPS_PROXY": self.server.proxy, "SSL_CERT_FILE": str(Path(self._authority.name, "ca.pem"))}

    def tunnels(self) -> List[str]:
        """The hosts that the proxy was asked for."""
        asked: List[str] = self.server.journal()["tunnels"]
        return asked
