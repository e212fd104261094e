"""`AsyncBroker`: nothing blocks the loop, a cancelled task is gone at once, and no refresh token with it."""

import asyncio
import gc
import inspect
import threading
import time

import pytest
import tokenkeep
from tokenkeep_testing import Home, Server
from tokenkeep_testing.home import Person

SLOW = {"type": "delay", "milliseconds": 1000, "when": "after"}


def test_the_twins_have_the_same_calls():
    public = {name for name in dir(tokenkeep.Broker) if not name.startswith("_")}
    assert public == {name for name in vars(tokenkeep.AsyncBroker) if not name.startswith("_")}
    for name in public - {"home"}:
        own = inspect.signature(getattr(tokenkeep.AsyncBroker, name))
        twin = inspect.signature(getattr(tokenkeep.Broker, name))
        plain = [(parameter.name, parameter.kind, parameter.default) for parameter in own.parameters.values()][1:]
        assert plain == [(one.name, one.kind, one.default) for one in twin.parameters.values()][1:], name
        is_coroutine = inspect.iscoroutinefunction(getattr(tokenkeep.AsyncBroker, name))
        assert is_coroutine == (name not in ("cached_token", "connection_changes"))


def test_every_call(home: Home):
    async def calls():
        async with home.async_broker() as broker:
            assert broker.home == str(home.store)
            connection = await broker.login("acme", flow="pkce", interaction=Person())
            assert connection == await broker.connection("acme")
            assert [connection] == (await broker.connections()).connections
            async for change in broker.connection_changes():
                assert (change.kind, change.connection) == ("appeared", connection)
                break
            token = await broker.token("acme", scopes="read")
            assert token == broker.cached_token("acme") == await broker.token("acme")
            newer = await broker.token("acme", replaces=token.secret)
            assert newer != token
            assert await broker.token_after_refusal("acme", refused=token.secret) == newer
            assert (await broker.set_registration("acme", client_id="mine")).client_id == "mine"
            assert (await broker.registration("acme")).client_id == "mine"
            assert await broker.remove_registration("acme")
            assert (await broker.initialize()).key == (await broker.inspect()).key == "found"
            assert (await broker.logout("acme")).revocation == "revoked"
            provider = await broker.provider("acme")
            assert provider in (await broker.providers()).providers
            assert provider == await broker.add_provider(home.path / "acme.toml")
            assert await broker.remove_provider("acme")
            with pytest.raises(tokenkeep.UnknownProviderError):
                await broker.token("acme")

    asyncio.run(calls())


def test_a_login_in_two_halves(home: Home, server: Server):
    async def login():
        broker = home.async_broker()
        redirect_uri = "http://127.0.0.1/callback"
        pending = await broker.begin_login("acme", redirect_uri=redirect_uri)
        return await broker.finish_login(pending, server.answer_to(pending.authorization_url))

    assert asyncio.run(login()).status == "connected"


def test_the_loop_goes_on_while_a_refresh_waits(server: Server, home: Home):
    home.log_in_expired(home.broker())
    server.at_refresh(SLOW)

    async def both():
        task = asyncio.ensure_future(home.async_broker().token("acme"))
        longest, last = 0.0, time.monotonic()
        while not task.done():
            await asyncio.sleep(0.001)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        return longest

    assert asyncio.run(both()) < 0.2


def test_a_hundred_tasks_make_one_refresh(server: Server, home: Home):
    home.log_in_expired(home.broker())

    async def gather():
        broker = home.async_broker()
        return await asyncio.gather(*(broker.token("acme") for _ in range(100)))

    tokens = asyncio.run(gather())
    assert all(token == tokens[0] for token in tokens)
    assert len(server.refreshes()) == 1


def test_a_cancelled_task_is_gone_at_once_and_the_rotated_token_is_kept(server: Server, home: Home):
    home.log_in_expired(home.broker())
    server.at_refresh(SLOW)

    async def cancel():
        broker = home.async_broker()
        task = asyncio.ensure_future(broker.token("acme"))
        await asyncio.get_running_loop().run_in_executor(None, server.until_faults_struck)
        cancelled = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - cancelled < 0.2
        await broker.close()
        return broker.cached_token("acme")

    token = asyncio.run(cancel())
    assert server.resource_status(token.secret) == 200
    assert len(server.refreshes()) == 1


def test_a_time_limit_loses_nothing(server: Server, home: Home):
    home.log_in_expired(home.broker())

    async def limited():
        broker = home.async_broker()
        for _ in range(10):
            server.at_refresh({"type": "delay", "milliseconds": 50, "when": "after"})
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(broker.token("acme", force_refresh=True), 0.02)
            await broker.close()
        return await broker.token("acme", force_refresh=True)

    assert server.resource_status(asyncio.run(limited()).secret) == 200
    assert server.journal()["reuse_count"] == 0


def test_a_cancelled_login_frees_its_port_and_keeps_nothing(home: Home):
    async def cancel():
        opened = asyncio.Event()
        loop = asyncio.get_running_loop()

        class Absent(tokenkeep.Interaction):
            def open_url(self, url):
                loop.call_soon_threadsafe(opened.set)

        broker = home.async_broker()
        task = asyncio.ensure_future(broker.login("acme", flow="pkce", interaction=Absent()))
        await opened.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(tokenkeep.NotConnectedError):
            await broker.connection("acme")

    asyncio.run(cancel())


def test_a_loop_that_was_closed_meanwhile_is_no_error(server: Server, home: Home, capfd):
    home.log_in_expired(home.broker())
    server.at_refresh({**SLOW, "milliseconds": 300})
    broker = home.async_broker()
    loop = asyncio.new_event_loop()
    task = loop.create_task(broker.token("acme"))
    loop.run_until_complete(asyncio.sleep(0))
    server.until_faults_struck()
    loop.close()
    # What the task awaited comes only now.
    asyncio.run(broker.close())
    assert broker.cached_token("acme") is not None
    # Python says that the task was never finished, and that is all that is said.
    task._log_destroy_pending = False
    del task
    gc.collect()
    written = capfd.readouterr()
    assert "Traceback" not in written.err and "panick" not in written.err


def test_one_broker_serves_the_loops_of_many_threads(server: Server, home: Home):
    home.log_in_expired(home.broker())
    broker, tokens = home.async_broker(), []

    def ask():
        tokens.append(asyncio.run(broker.token("acme")))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 16 and len(server.refreshes()) == 1


def test_a_coroutine_that_nobody_awaits_does_nothing(server: Server, home: Home):
    home.log_in_expired(home.broker())
    with pytest.warns(RuntimeWarning, match="never awaited"):
        home.async_broker().token("acme")
        gc.collect()
    assert server.refreshes() == []
