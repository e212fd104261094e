import asyncio
from collections.abc import Iterable
import tokenkeep

class Mine(tokenkeep.Interaction):
    def __init__(self, window: int) -> None:
        self.window = window
    def open_url(self, url: str) -> None:
        print(url)

def use(scopes: Iterable[str]) -> str:
    with tokenkeep.Broker(home="/x", lock_wait=2) as broker:
        connection = broker.login("microsoft", scopes=scopes, flow="pkce", interaction=Mine(1))
        name: str | None = connection.account.username
        try:
            token = broker.token("microsoft", min_lifetime=60)
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
        async for change in broker.connection_changes():
            gone: bool = change.kind == "disappeared"
            print(gone, change.connection.account.username)
