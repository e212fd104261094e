"""The scripted authorization server as a process of its own. Its README has the faults and the options."""

import http.client
import json
import ssl
import subprocess
import time
from contextlib import closing
from email.message import Message
from types import TracebackType
from typing import Any, Callable, Dict, List, Optional, Tuple, Type
from urllib.parse import urlsplit

from .programs import program

# Longer than anything that a test waits for.
PATIENCE = 30.0


class Server:
    """A server that lives as long as the `with` block. `plain` rotates and detects reuse, `entra` does as Entra.

    `arguments` are further options of the program.
    """

    def __init__(self, dialect: str = "plain", *arguments: str) -> None:
        command = [program("authorization-server"), "--dialect", dialect, "--until-stdin-closes", *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        self.dialect = dialect
        self.origin: str = ready["origin"]
        self.issuer: str = ready["issuer"]
        self.port: int = ready["port"]
        #: The proxy that leads to the server, when it was started with `--proxy`.
        self.proxy: Optional[str] = ready.get("proxy")

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        raised: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the server."""
        self._process.kill()
        self._process.communicate()

    def journal(self) -> Dict[str, Any]:
        """What the server was asked: `entries`, `reuse_count` and so on."""
        journal: Dict[str, Any] = self._control("GET", "journal")
        return journal

    def asked(self, grant_type: str) -> List[Dict[str, Any]]:
        """The requests with this grant type."""
        return [entry for entry in self.journal()["entries"] if entry["grant_type"] == grant_type]

    def asked_at(self, endpoint: str) -> List[Dict[str, Any]]:
        """The requests to this endpoint: `authorize` and so on, as in a fault."""
        return [entry for entry in self.journal()["entries"] if entry["endpoint"] == endpoint]

    def refreshes(self) -> List[Dict[str, Any]]:
        """The refreshes that it was asked for."""
        return self.asked("refresh_token")

    def push_fault(self, fault: Dict[str, Any]) -> None:
        """Adds a fault."""
        self._control("POST", "faults", fault)

    def at_refresh(self, action: Dict[str, Any], times: int = 1) -> None:
        """The next refreshes meet this action."""
        self.push_fault({"endpoint": "token", "grant_type": "refresh_token", "times": times, "action": action})

    def at_redemption(self, action: Dict[str, Any], times: int = 1) -> None:
        """The next codes that are redeemed meet this action."""
        self.push_fault({"endpoint": "token", "grant_type": "authorization_code", "times": times, "action": action})

    def until_faults_struck(self) -> None:
        """Waits until every fault has met its request, which is then being answered."""
        until(lambda: self._control("GET", "faults") == [])

    def clear_faults(self) -> None:
        """Forgets the faults that wait."""
        self._control("DELETE", "faults")

    def change(self, **options: Any) -> None:
        """Changes options from the next request on: `access_token_lifetime=0` for one."""
        self._control("POST", "options", options)

    def consent(self, **allowed: str) -> None:
        """Somebody allows a client scopes: `client_id`, `scope`, and a `username` or a `tenant`."""
        self._control("POST", "consent", allowed)

    def registered_clients(self) -> List[str]:
        """The ids of the clients that registered themselves, and were not deleted since."""
        clients: List[str] = self._control("GET", "clients")
        return clients

    def publish_client_document(self, url: str, document: Dict[str, Any]) -> None:
        """What a client says of itself at the address that is its id."""
        self._control("POST", "client-document", {"url": url, "document": document})

    def forget_nonces(self) -> None:
        """No nonce that was given out is good any more."""
        self._control("POST", "forget-nonces")

    def expire(self) -> None:
        """The server's resource refuses every access token that was given so far."""
        self._control("POST", "expire")

    def revoke_all(self) -> None:
        """Ends every grant."""
        self._control("POST", "revoke-all")

    def decide_device(self, user_code: str, decision: str = "approve") -> None:
        """The person at the other device approves, or denies."""
        self._control("POST", "device", {"user_code": user_code, "decision": decision})

    def resource_status(self, access_token: str, url: str = "/resource") -> int:
        """200 while the token works at the server's resource, or at another that it has."""
        return self._request("GET", urlsplit(url).path, headers={"Authorization": f"Bearer {access_token}"})[0]

    def answer_to(self, authorization_url: str) -> str:
        """Says yes at the authorization URL; the address that the browser is then sent to."""
        url = urlsplit(authorization_url)
        _, headers, _ = self._request("GET", f"{url.path}?{url.query}")
        return headers["location"]

    def _control(self, method: str, verb: str, body: Any = None) -> Any:
        text = None if body is None else json.dumps(body)
        status, _, answer = self._request(method, f"/_control/{verb}", text)
        assert 200 <= status < 300, f"{method} {verb}: {status} {answer!r}"
        return json.loads(answer) if answer else None

    def _request(
        self, method: str, path: str, body: Optional[str] = None, headers: Optional[Dict[str, str]] = None
    ) -> Tuple[int, Message, bytes]:
        host = urlsplit(self.origin).netloc
        with closing(self._connection()) as connection:
            connection.request(method, path, body, {"Host": host, **(headers or {})})
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def _connection(self) -> http.client.HTTPConnection:
        if not self.origin.startswith("https:"):
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        # Whom the client trusts is what tests find out; this asks only what was asked.
        context = ssl._create_unverified_context()
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=context)


def until(is_so: Callable[[], bool]) -> None:
    """Tries until it is so. Every try is an event by itself, such as a request."""
    give_up = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < give_up, "it is not so after half a minute"
