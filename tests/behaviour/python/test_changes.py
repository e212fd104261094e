"""Who shows connections is told what becomes of them, whoever does it."""

import _thread
import asyncio
import queue
import threading
import time
from typing import AsyncIterator, Iterator

import pytest
import tokenkeep
from tokenkeep_testing import Stage

#: The promise, in seconds.
WITHIN = 1.0


class Told:
    """A stream that is read as fast as it comes, on a thread of its own."""

    def __init__(self, broker: tokenkeep.Broker, count: int) -> None:
        self._changes: "queue.Queue[tokenkeep.ConnectionChange]" = queue.Queue()

        def read() -> None:
            changes = broker.connection_changes()
            for _ in range(count):
                self._changes.put(next(changes))
            changes.close()

        self.thread = threading.Thread(target=read, daemon=True)
        self.thread.start()

    def next(self, kind: str, name: str) -> tokenkeep.Connection:
        """The next change, which is that one, in time."""
        change = self._changes.get(timeout=WITHIN)
        assert (change.kind, change.connection.connection) == (kind, name)
        return change.connection


def test_connection_changes_are_told(acme: Stage) -> None:
    # Another process does everything; the store is yet to be made.
    told = Told(acme.broker(), 7)
    acme.run_tokenkeep("login", "acme")
    assert told.next("appeared", "default").status == "connected"
    acme.run_tokenkeep("login", "acme", "--connection", "work")
    told.next("appeared", "work")
    acme.run_tokenkeep("token", "acme", "--force-refresh")
    assert told.next("changed", "default").refreshed_at is not None
    acme.run_tokenkeep("login", "acme")
    assert told.next("changed", "default").refreshed_at is None
    acme.server.revoke_all()
    with pytest.raises(AssertionError):
        acme.run_tokenkeep("token", "acme", "--force-refresh")
    last = told.next("changed", "default")
    assert last.status == "login_required"
    acme.run_tokenkeep("logout", "acme")
    assert told.next("disappeared", "default") == last
    acme.run_tokenkeep("login", "acme")
    last = told.next("appeared", "default")
    told.thread.join()

    # A stream begins with what is there; who waits for more in vain gives up at once.
    def begins(first: tokenkeep.ConnectionChange, second: tokenkeep.ConnectionChange) -> None:
        assert (first.kind, first.connection) == ("appeared", last)
        assert (second.kind, second.connection.connection) == ("appeared", "work")

    changes: Iterator[tokenkeep.ConnectionChange] = acme.broker().connection_changes()
    begins(next(changes), next(changes))
    pressed = []

    def press_ctrl_c() -> None:
        pressed.append(time.monotonic())
        _thread.interrupt_main()

    threading.Timer(WITHIN / 4, press_ctrl_c).start()
    with pytest.raises(KeyboardInterrupt):
        next(changes)
    assert time.monotonic() - pressed[0] < WITHIN / 2
    assert list(changes) == [], "it has ended"

    async def cancel() -> None:
        async with acme.async_broker() as broker:
            changes: AsyncIterator[tokenkeep.ConnectionChange] = broker.connection_changes()
            begins(await changes.__anext__(), await changes.__anext__())
            await asyncio.to_thread(acme.run_tokenkeep, "logout", "acme", "--connection", "work")
            gone = await asyncio.wait_for(changes.__anext__(), WITHIN)
            assert (gone.kind, gone.connection.connection) == ("disappeared", "work")
            begun = time.monotonic()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(changes.__anext__(), WITHIN / 4)
            assert time.monotonic() - begun < WITHIN
            assert [change async for change in changes] == [], "it has ended"

    asyncio.run(cancel())
