"""A refresh that goes well: once, with the newest refresh token, whoever asks."""

import asyncio
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

import pytest
import tokenkeep
from tokenkeep_testing import Crowd, Stage
from tokenkeep_testing.failure import fails


def test_expired_token_is_refreshed_and_rotated() -> None:
    for provider in ("acme", "microsoft"):
        with Stage(provider) as stage:
            stage.login_expired()
            (login,) = stage.server.asked("authorization_code")
            second = stage.secret()
            third = stage.secret(force_refresh=True)
            assert second != third
            one, two = stage.server.refreshes()
            # Each time the newest, and never one twice.
            assert one["parameters"]["refresh_token"] == login["outcome"]["issued"]["refresh_token"]
            assert two["parameters"]["refresh_token"] == one["outcome"]["issued"]["refresh_token"]
            assert stage.server.journal()["reuse_count"] == 0
            assert stage.resource(third) == 200
            connection = stage.connection()
            assert connection.refreshed_at is not None and connection.refreshed_at >= connection.logged_in_at

            for entry in (one, two):
                assert entry["origin"] is False
                assert not {"client_secret", "resource"} & entry["parameters"].keys()
                # Entra wants the scopes named (AADSTS900144), others need not hear them.
                entra = "https://graph.microsoft.com/User.Read openid profile offline_access"
                assert entry["parameters"].get("scope") == (entra if provider == "microsoft" else None)


def test_refresh_token_is_kept_when_none_is_sent(acme: Stage) -> None:
    acme.server.change(rotation="none")
    acme.login_expired()
    acme.secret()
    acme.secret(force_refresh=True)
    # A server that rotates again later is followed as well.
    acme.server.change(rotation="reuse-detection")
    acme.secret(force_refresh=True)
    acme.secret(force_refresh=True)
    sent = [entry["parameters"]["refresh_token"] for entry in acme.server.refreshes()]
    assert sent[0] == sent[1] == sent[2] != sent[3]
    assert acme.server.journal()["reuse_count"] == 0


def test_eight_processes_one_refresh() -> None:
    for rotation in ("none", "keep-old", "reuse-detection", "grace:30"):
        with Stage("acme") as stage:
            stage.server.change(rotation=rotation)
            stage.login_expired()
            # Slow enough that all are there before the first has its answer.
            stage.server.at_refresh({"type": "delay", "milliseconds": 700})
            answers = Crowd(stage, 8).ask()
            secrets = {answer["secret"] for answer in answers}
            assert len(secrets) == 1, rotation
            assert len(stage.server.refreshes()) == 1, rotation
            assert stage.server.journal()["reuse_count"] == 0, rotation
            assert stage.resource(secrets.pop()) == 200, rotation


def test_two_refresh_of_two_accounts_run_in_parallel(acme: Stage) -> None:
    # Threads that share a broker, and coroutines that share one.
    assert_parallel(acme, in_threads)
    assert_parallel(acme, in_coroutines)


def assert_parallel(stage: Stage, ask_for: Callable[..., Any]) -> None:
    """Neither of two refreshes waits for the answer of the other."""
    before = len(stage.server.refreshes())
    for connection in ("a", "b"):
        stage.login_expired(connection=connection)
    stage.server.at_refresh({"type": "delay", "milliseconds": 1500}, times=2)
    began = time.monotonic()
    ask_for(stage, "a", "b")
    assert time.monotonic() - began < 2.9
    one, two = stage.server.refreshes()[before:]
    assert two["milliseconds"] - one["milliseconds"] < 1500


def in_threads(stage: Stage, *connections: str) -> None:
    with stage.broker() as broker, ThreadPoolExecutor() as threads:
        list(threads.map(lambda connection: broker.token("acme", connection=connection), connections))


def in_coroutines(stage: Stage, *connections: str) -> None:
    async def all_of_them() -> None:
        async with stage.async_broker() as broker:
            await asyncio.gather(*(broker.token("acme", connection=connection) for connection in connections))

    asyncio.run(all_of_them())


def test_lock_timeout_in_the_time_that_was_given(acme: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    acme.login_expired()
    acme.server.at_refresh({"type": "delay", "milliseconds": 60_000})
    holder = acme.start_python('import tokenkeep; tokenkeep.Broker().token("acme")')
    try:
        acme.server.until_faults_struck()
        holder.send_signal(signal.SIGSTOP)
        assert_gives_up(1, acme.broker(lock_wait=1))
        # Not to wait at all is a wish too.
        assert_gives_up(0, acme.broker(lock_wait=0))
        monkeypatch.setenv("TOKENKEEP_LOCK_WAIT", "2")
        assert_gives_up(2, acme.broker())
    finally:
        holder.kill()
        holder.communicate()
    for odd in ("soon", "-1", "1.5", "86401"):
        monkeypatch.setenv("TOKENKEEP_LOCK_WAIT", odd)
        with fails("config_invalid") as failure:
            acme.broker()
        assert "TOKENKEEP_LOCK_WAIT" in failure.value.message and odd in failure.value.message


def assert_gives_up(seconds: int, broker: tokenkeep.Broker) -> None:
    """The broker waits as long as it was told to, and says so."""
    began = time.monotonic()
    with fails("lock_timeout") as failure:
        broker.token("acme")
    assert seconds <= time.monotonic() - began < seconds + 2
    assert f"longer than {seconds}.0 s" in failure.value.message
