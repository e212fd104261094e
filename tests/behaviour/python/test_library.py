"""What only a library can show: callers that give up, single flight, a program's own interaction."""

import _thread
import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List

import pytest
import tokenkeep
from tokenkeep_testing import Stage, Watcher, is_closed, person, until
from tokenkeep_testing.failure import fails


def ctrl_c_when(event: Callable[[], object]) -> threading.Thread:
    """Presses Ctrl-C as soon as `event` returns."""

    def press() -> None:
        event()
        _thread.interrupt_main()

    thread = threading.Thread(target=press)
    thread.start()
    return thread


def test_cancelled_caller_keeps_the_rotated_token(acme: Stage) -> None:
    async def give_up() -> None:
        async with acme.async_broker() as broker:
            call = asyncio.create_task(broker.token("acme"))
            await asyncio.to_thread(acme.server.until_faults_struck)
            assert not call.done(), "the answer came too soon to give up"
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    def press_ctrl_c() -> None:
        with acme.broker() as broker:
            pressing = ctrl_c_when(acme.server.until_faults_struck)
            with pytest.raises(KeyboardInterrupt):
                broker.token("acme")
            pressing.join()

    late = {"type": "delay", "milliseconds": 1000, "when": "after"}
    for refreshes, given_up in enumerate([lambda: asyncio.run(give_up()), press_ctrl_c]):
        acme.login_expired()
        acme.server.at_refresh(late)
        given_up()
        # The broker is closed, and the store has the new token.
        token = acme.broker().cached_token("acme")
        assert token is not None and acme.resource(token.secret) == 200
        assert len(acme.server.refreshes()) == 2 * refreshes + 1
        # The refresh token that came with it was not lost either.
        assert acme.resource(acme.secret(force_refresh=True)) == 200
    assert acme.server.journal()["reuse_count"] == 0


def test_a_thousand_callers_of_one_process_make_one_refresh(acme: Stage) -> None:
    acme.login_expired()
    acme.server.at_refresh({"type": "delay", "milliseconds": 300})

    async def tasks() -> List[tokenkeep.AccessToken]:
        async with acme.async_broker() as broker:
            return await asyncio.gather(*(broker.token("acme") for _ in range(1000)))

    # Threads of the same process, with a broker of their own, at the same time.
    with acme.broker() as broker, ThreadPoolExecutor(16) as threads:
        in_threads = [threads.submit(broker.token, "acme") for _ in range(16)]
        tokens = asyncio.run(tasks()) + [call.result() for call in in_threads]
    assert len(tokens) == 1016 and len({token.secret for token in tokens}) == 1
    assert len(acme.server.refreshes()) == 1


def test_what_other_processes_do_is_noticed_at_once(acme: Stage) -> None:
    acme.login()
    broker = acme.broker()

    def asked() -> str:
        token = broker.cached_token("acme")
        assert token is not None, "it is fresh"
        return token.secret

    # Each change follows right upon a call that found the record in memory.
    for _ in range(3):
        before = asked()
        refreshed = acme.run_tokenkeep("token", "acme", "--force-refresh")
        assert asked() == refreshed != before, "a refresh"

        acme.run_tokenkeep("login", "acme")
        assert asked() == acme.run_tokenkeep("token", "acme") != refreshed, "a login"

        acme.run_tokenkeep("logout", "acme")
        with fails("not_connected"):
            asked()
        acme.run_tokenkeep("login", "acme")
        assert asked() == acme.run_tokenkeep("token", "acme")
        asked()

    # A token that was handed out without a word on scopes is not handed out for more than it grants.
    for _ in range(3):
        asked()
        with fails("scope_not_granted"):
            broker.cached_token("acme", scopes=["read", "admin"])
        assert broker.cached_token("acme", scopes=["read"]) is not None

    # A whole store that is moved away takes its files along; that is seen a moment later.
    asked()
    away = acme.path / "away"
    acme.store.rename(away)

    def is_gone() -> bool:
        try:
            asked()
        except tokenkeep.TokenkeepError:
            return True
        return False

    until(is_gone)
    away.rename(acme.store)
    asked()


def test_cancelled_login_frees_the_port_and_keeps_nothing(acme: Stage) -> None:
    async def cancel() -> int:
        async with acme.async_broker() as broker:
            watcher = Watcher()
            login = asyncio.create_task(broker.login("acme", flow="pkce", interaction=watcher))
            port = await asyncio.to_thread(lambda: watcher.port)
            assert not is_closed(port, within=0)
            login.cancel()
            with pytest.raises(asyncio.CancelledError):
                await login
            return port

    def press_ctrl_c() -> int:
        watcher = Watcher()
        pressing = ctrl_c_when(lambda: watcher.port)
        with pytest.raises(KeyboardInterrupt):
            acme.broker().login("acme", flow="pkce", interaction=watcher)
        pressing.join()
        return watcher.port

    acme.login()
    before = acme.records()
    ways: List[Callable[[], int]] = [lambda: asyncio.run(cancel()), press_ctrl_c]
    for give_up in ways:
        assert is_closed(give_up())
        assert acme.records() == before


def test_interaction_is_told_what_happens(acme: Stage) -> None:
    # A browser that brings a stranger's answer first.
    login = acme.begin_login()
    foreign = person.redirected(login.url).replace(login.parameter("state"), "x")
    assert person.get(foreign).status == 400
    assert login.refused()
    person.visit(login.url)
    connection = login.finish()
    assert (connection.status, connection.has_refresh_token) == ("connected", True)
    assert [told[0] for told in login.told] == ["flow_chosen", "open_url", "response_refused"]
    assert login.told[0][1] == "pkce" and all(all(told) for told in login.told)

    acme.server.change(device_interval=1, device_approve_after=0)
    login = acme.begin_login(flow="device_code")
    login.finish()
    assert [told[0] for told in login.told] == ["flow_chosen", "show_device_authorization"]
    assert (login.told[0][1], login.device.expires_in) == ("device_code", 900)

    # An object need not be an `Interaction`, nor have every method.
    class OnlyABrowser:
        def open_url(self, url: str) -> None:
            threading.Thread(target=person.visit, args=[url]).start()

    assert acme.login(flow="pkce", interaction=OnlyABrowser()).status == "connected"

    # The person closes the window: the program says so, and the login ends with that.
    class WindowClosed(Exception):
        pass

    class Closes(tokenkeep.Interaction):
        def open_url(self, url: str) -> None:
            raise WindowClosed("the window was closed")

        def show_device_authorization(self, device: tokenkeep.DeviceAuthorization) -> None:
            raise WindowClosed("the window was closed")

    class ClosesAtOnce(tokenkeep.Interaction):
        def flow_chosen(self, flow: str, reason: str) -> None:
            raise WindowClosed("the window was closed")

    before = acme.records()
    for flow, closes in (("pkce", Closes()), ("device_code", Closes()), ("pkce", ClosesAtOnce())):
        with fails("login_cancelled") as failure:
            acme.login(flow=flow, interaction=closes)
        assert isinstance(failure.value.__cause__, WindowClosed)
        assert "the window was closed" in failure.value.message
    assert acme.records() == before


def test_begin_and_finish_login(oidc: Stage) -> None:
    redirect_uri = "http://127.0.0.1:1/callback"
    broker = oidc.broker()
    pending = broker.begin_login("oidc", redirect_uri=redirect_uri, **oidc.named)
    other = broker.begin_login("oidc", redirect_uri=redirect_uri, **oidc.named)
    answer, foreign = (person.redirected(login.authorization_url) for login in (pending, other))

    # The answer to another login is refused, and this one is still pending.
    for wrong in (foreign, redirect_uri, "", f"{redirect_uri}?code=x"):
        with fails("provider_rejected"):
            broker.finish_login(pending, wrong)
    assert oidc.server.asked("authorization_code") == []
    assert broker.finish_login(pending, answer).account.username == "person@example.com"

    # The same answer a second time: a server that sees a code twice ends the grant (RFC 6749 4.1.2).
    with pytest.raises(tokenkeep.TokenkeepError):
        broker.finish_login(pending, answer)
    assert len(oidc.server.asked("authorization_code")) == 1, "a code is sent once"
    assert oidc.resource(broker.token("oidc").secret) == 200
    # The other one can still be finished.
    broker.finish_login(other, foreign)
    assert oidc.connection().status == "connected"

    # The same for asyncio, in a task of its own for each half.
    async def split() -> str:
        async with oidc.async_broker() as broker:
            pending = await broker.begin_login("oidc", redirect_uri=redirect_uri, connection="web", **oidc.named)
            answer = await asyncio.to_thread(person.redirected, pending.authorization_url)
            return (await broker.finish_login(pending, answer)).connection

    assert asyncio.run(split()) == "web"
