import asyncio
from collections.abc import Iterable
from pathlib import Path
import tokenkeep

class Mine(tokenkeep.Interaction):
    def __init__(self, window: int) -> None:
        self.window = window
    def open_url(self, url: str) -> None:
        print(url)

def use(scopes: Iterable[str]) -> str:
    with tokenkeep.Broker(home="/x", lock_wait=2) as broker:
        connection = broker.login("microsoft", add_scopes=scopes, flow="pkce", prompt="login", interaction=Mine(1))
        application = broker.login("microsoft", flow="client_credentials", credential_file=Path("x"), client_capabilities=["cp1"])
        agent = broker.login("mcp", resource="https://mcp.example/mcp", www_authenticate=["Bearer"], values={"region": "eu"}, dpop=True)
        region: str = agent.values["region"]
        proof: str = broker.dpop_proof("mcp", resource="https://mcp.example/mcp", method="GET", url="https://mcp.example/mcp")
        defaults: list[str | None] = [value.default for value in broker.provider("acme").values]
        print({broker.token("mcp", connection=agent.connection).header_name: proof}, region, defaults)
        held: list[str | None] = [one.resource for one in application.access_tokens]
        name: str | None = connection.account.username
        try:
            token = broker.token("microsoft", min_lifetime=60, allow_extended=True)
            print(held, token.sasl("xoauth2", "me"), application.credential_expires_at)
        except tokenkeep.ThrottledError as error:
            return str(error.retry_at)
        except tokenkeep.LoginRequiredError as error:
            return f"{error.reason} {error.server.error if error.server else ''} {name}"
        for change in broker.connection_changes():
            assert change.kind == "appeared" and change.connection.status == "connected"
            break
        return token.authorization_header()

async def main() -> None:
    async with tokenkeep.AsyncBroker() as broker:
        token = await asyncio.wait_for(broker.token("microsoft", scopes="a b"), 3)
        again: tokenkeep.AccessToken | None = await broker.token_after_refusal("microsoft", refused=token.secret, www_authenticate=["Bearer"])
        print(again, broker.cached_token("microsoft"))
        for finding in (await broker.check_scopes("microsoft", "a b")).findings:
            print(finding.kind == "covered", finding.scopes)
        who: list[str] = [one.who for one in await broker.explain("AADSTS65001")]
        asked = await broker.admin_consent_url("microsoft", tenant="contoso", scopes=["a"])
        tenant: str | None = (await broker.read_admin_consent(asked.state, asked.url)).tenant
        print(who, tenant)
        print((await broker.allowed_hosts("mcp", resource="https://mcp.example/mcp")).allow("https", "mcp.example"))
        stored = await broker.registration("mcp", issuer="https://issuer.example")
        issuer: str | None = stored.issuer if stored else None
        print(issuer, await broker.client_metadata_document("https://app.example/client.json"))
        async for change in broker.connection_changes():
            gone: bool = change.kind == "disappeared"
            print(gone, change.connection.account.username)
