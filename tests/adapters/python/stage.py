"""What the tests of the adapters share: a person who is logged in, an API that takes tokens, and what it was sent.

The API is the scripted server's corner of Microsoft Graph.
"""

import hashlib
import json
from typing import Any, Dict, List, Optional

import pytest
import tokenkeep
from tokenkeep_testing import Home, Server

GRAPH_SCOPE = "https://graph.microsoft.com/.default"
OTHER_SCOPE = "https://vault.azure.net/.default"
CLAIMS = {"access_token": {"nbf": {"essential": True, "value": "1700000000"}}}


class Stage:
    """A server, and a home that is logged in to it."""

    def __init__(self, server: Server, home: Home) -> None:
        self.server = server
        self.home = home
        self.provider = home.provider
        self.broker = home.broker()
        self.host = f"localhost:{server.port}"
        self.api = f"http://{self.host}/v1.0"

    def log_in(self, **options: Any) -> None:
        """Somebody logs in."""
        self.home.log_in(self.broker, **options)

    def token(self, **options: Any) -> str:
        """The connection's token."""
        return self.broker.token(self.provider, **options).secret

    def requests(self) -> List[Dict[str, Any]]:
        """What the API was sent."""
        return [entry for entry in self.server.journal()["entries"] if entry["endpoint"] == "resource"]

    def statuses(self) -> List[int]:
        """What it answered."""
        return [entry["outcome"]["status"] for entry in self.requests()]

    def tokens(self) -> List[Optional[str]]:
        """The fingerprints of the tokens that it was sent."""
        return [entry["parameters"].get("access_token") for entry in self.requests()]

    def claims(self) -> List[Optional[str]]:
        """The claims of the refreshes."""
        return [entry["parameters"].get("claims") for entry in self.server.refreshes()]

    def at_api(self, action: Dict[str, Any], **where: Any) -> None:
        """The next request that arrives at the API meets this."""
        self.server.push_fault({"endpoint": "resource", "action": action, **where})

    def refuse(self, error: str, times: int) -> None:
        """The API refuses so many requests, whatever the token."""
        challenges = ('Basic realm="x"', f'Bearer error="{error}"')
        headers = [["Content-Type", "application/json"], *(["WWW-Authenticate", it] for it in challenges)]
        body = json.dumps({"error": {"code": "Refused", "message": "the API's own words"}})
        self.at_api({"type": "reply", "status": 401, "headers": headers, "body": body}, times=times)

    def challenge(self, *beside: str) -> None:
        """From now on the API wants tokens that were asked for with the claims. `beside` are headers before that one."""
        self.at_api({"type": "challenge", "claims": CLAIMS, "beside": beside})

    def end_grant(self) -> None:
        """The token has expired, and the grant has ended."""
        self.home.log_in_expired(self.broker)
        self.server.revoke_all()


class BoundToken:
    """A token that is bound to a key."""

    secret = "bound"
    token_type = "DPoP"
    header_name = "Authorization"
    provider = "acme"
    connection = "work"

    def authorization_header(self) -> str:
        """As it is sent."""
        return "DPoP bound"


class Proofs:
    """What the brokers of a test hand out: a token that is bound to a key, and proofs. That they are good is for the
    core's own tests; here it is seen which were asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: List[Dict[str, Any]] = []
        for name in ("token", "token_after_refusal", "dpop_proof"):
            call = getattr(self, name)

            async def awaited(*arguments: Any, call: Any = call, **options: Any) -> Any:
                return call(*arguments, **options)

            def waited(*arguments: Any, call: Any = call, **options: Any) -> Any:
                return call(*arguments, **options)

            monkeypatch.setattr(tokenkeep.Broker, name, waited)
            monkeypatch.setattr(tokenkeep.AsyncBroker, name, awaited)

    def token(self, broker: object, provider: str, **options: Any) -> BoundToken:
        """In the place of `Broker.token`."""
        return BoundToken()

    def token_after_refusal(
        self, broker: object, provider: str, *, refused: str, www_authenticate: List[str], **options: Any
    ) -> Optional[BoundToken]:
        """In the place of `Broker.token_after_refusal`."""
        wants_nonce = any("use_dpop_nonce" in challenge for challenge in www_authenticate)
        return BoundToken() if wants_nonce and refused == BoundToken.secret else None

    def dpop_proof(self, broker: object, provider: str, **proven: Any) -> str:
        """In the place of `Broker.dpop_proof`."""
        self.asked.append({"provider": provider, **proven})
        return f"proof-{len(self.asked)}"


def fingerprint(token: str) -> str:
    """A token as the journal has it."""
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()[:12]}"
