"""Lists the newest mail of whoever logs in, with Microsoft's own client of Graph.

pip install tokenkeep msgraph-sdk
export MICROSOFT_OAUTH_CLIENT_ID=...   # an app registration of your own: docs/providers/microsoft.md
python list_mail.py

The first run opens the browser. All later ones, for weeks, and every other program on the machine, have the token.
"""

import asyncio

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.users.item.messages.messages_request_builder import MessagesRequestBuilder
from msgraph.graph_service_client import GraphServiceClient
from tokenkeep import (
    AsyncBroker,
    ConsentRequiredError,
    InteractionRequiredError,
    LoginRequiredError,
    NotConnectedError,
    ScopeNotGrantedError,
)
from tokenkeep.azure.aio import TokenkeepCredential

# Those of all examples: one login is enough for them.
SCOPES = ["User.Read", "Mail.Read", "Calendars.Read"]
# The errors that a login ends.
LOG_IN = (
    NotConnectedError,
    LoginRequiredError,
    ScopeNotGrantedError,
    ConsentRequiredError,
    InteractionRequiredError,
)
Query = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters


async def main() -> None:
    async with AsyncBroker() as broker:
        await log_in_once(broker)
        client = GraphServiceClient(TokenkeepCredential(broker, "microsoft"))
        newest = Query(top=10, select=["receivedDateTime", "subject"], orderby=["receivedDateTime desc"])
        page = await client.me.messages.get(RequestConfiguration(query_parameters=newest))
        for message in (page and page.value) or []:
            print(message.received_date_time, message.subject)


async def log_in_once(broker: AsyncBroker) -> None:
    try:
        await broker.token("microsoft", scopes=SCOPES)
    except LOG_IN as error:
        print(error)
        print(error.help)
        await broker.login("microsoft", scopes=SCOPES)


if __name__ == "__main__":
    asyncio.run(main())
