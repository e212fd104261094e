"""A home of its own: an empty store with a key file, and a provider that is the test's server."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, Optional, Type

import tokenkeep

from .person import Person
from .programs import ROOT, program
from .server import Server

# A client id that Entra takes: any GUID is one.
CLIENT_ID = "5f1ad2a6-3c44-4d6c-9d0b-7f6f2a1e9c55"
MICROSOFT = 'global = "https://login.microsoftonline.com"'


class Home:
    """A store whose provider is `server`.

    `acme` has a provider file of the user's own, `microsoft` the bundled one with the server in the place of its cloud,
    `oidc` finds the server through its issuer, `mcp` through the metadata of a resource. Without a word the server's
    dialect decides between the first two.
    """

    #: What a first login has to name besides the provider.
    named: Dict[str, Any]

    def __init__(self, server: Server, provider: Optional[str] = None) -> None:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self.store = self.path / "store"
        self.server = server
        self.provider = provider or ("microsoft" if server.dialect == "entra" else "acme")
        self.named = {
            "acme": {},
            "microsoft": {"client_id": CLIENT_ID},
            "oidc": {"issuer": server.issuer, "client_id": "public"},
            "mcp": {"resource": self.resource_url},
        }[self.provider]
        if self.provider in ("acme", "microsoft"):
            self.add_provider(self.definition)

    def __enter__(self) -> "Home":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        raised: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._folder.cleanup()

    @property
    def options(self) -> Dict[str, Any]:
        """What a broker in this home is opened with."""
        return {"home": self.store, "key_source": "file", "insecure_loopback": True}

    @property
    def environment(self) -> Dict[str, str]:
        """The environment of a program in this home, which needs no options then."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.path),
            "BROWSER": program("stand-in-person"),
            "TOKENKEEP_HOME": str(self.store),
            "TOKENKEEP_KEY": "file",
            "TOKENKEEP_INSECURE_LOOPBACK": "1",
        }

    @property
    def resource_url(self) -> str:
        """The resource that the tokens are for.

        Of `mcp` it is the one that was logged in to, else one that takes every token of the server.
        """
        return f"{self.server.origin}/{'mcp' if self.provider == 'mcp' else 'resource'}"

    @property
    def definition(self) -> str:
        """The provider's file."""
        return _microsoft(self.server) if self.provider == "microsoft" else _acme(self.server)

    def add_provider(self, definition: str) -> tokenkeep.Provider:
        """Keeps a provider's file as the user's own."""
        file = self.path / f"{self.provider}.toml"
        file.write_text(definition)
        return self.broker().add_provider(file)

    def broker(self, **options: Any) -> tokenkeep.Broker:
        """A broker in this home."""
        return tokenkeep.Broker(**{**self.options, **options})

    def async_broker(self, **options: Any) -> tokenkeep.AsyncBroker:
        """The same for asyncio."""
        return tokenkeep.AsyncBroker(**{**self.options, **options})

    def log_in(self, broker: tokenkeep.Broker, **options: Any) -> tokenkeep.Connection:
        """Logs in with a browser and a person that say yes to everything."""
        options = {"flow": "pkce", "interaction": Person(), **self.named, **options}
        return broker.login(self.provider, **options)

    def log_in_to(self, broker: tokenkeep.Broker, resource: str, **options: Any) -> tokenkeep.Connection:
        """The same to a protected resource of the server's."""
        options = {"client_id": "public", "interaction": Person(), **options}
        return broker.login("mcp", flow="pkce", resource=resource, **options)

    def log_in_expired(self, broker: tokenkeep.Broker, **options: Any) -> None:
        """Logs in, and leaves a token that has expired already; the next ones live for an hour."""
        self.server.change(access_token_lifetime=0)
        self.log_in(broker, **options)
        self.server.change(access_token_lifetime=3600)

    def start_python(self, script: str, *arguments: str) -> "subprocess.Popen[str]":
        """A Python program of its own in this home, with its input and output in the test's hands."""
        command = [sys.executable, "-c", script, *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def run_python(self, script: str, *arguments: str) -> str:
        """Runs such a program to its end, which must be a good one, and returns what it wrote."""
        process = self.start_python(script, *arguments)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        return output

    def run_tokenkeep(self, *arguments: str) -> str:
        """The command line as somebody else runs it in this home, to a good end; what it wrote."""
        command = [program("tokenkeep"), *arguments]
        ran = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.rstrip("\n")


def _microsoft(server: Server) -> str:
    """The bundled file of Microsoft with this server in the place of the global cloud."""
    bundled = (ROOT / "core/providers/microsoft.toml").read_text()
    assert MICROSOFT in bundled
    return bundled.replace(MICROSOFT, f'global = "{server.origin}"')


def _acme(server: Server) -> str:
    """A provider file of the user's own."""
    return f"""
schema = 1
name = "acme"
display_name = "Acme"
access_token_variable = "ACME_ACCESS_TOKEN"

[endpoints]
authorization = "{server.origin}/authorize"
token = "{server.origin}/token"
device_authorization = "{server.origin}/device_authorization"
revocation = "{server.origin}/revoke"
issuer = "{server.origin}"

[client]
id = "public"

[scopes]
default = ["read", "write"]
always = ["offline_access"]
"""
