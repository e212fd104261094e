"""A broker that was used before a fork works after it, in the parent and in every child."""

import multiprocessing
import os
import signal
import threading
import time
import traceback

import pytest
import tokenkeep
from tokenkeep_testing import Home, Server

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    # Python warns of what these tests are about.
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]
FORKS = 100
CALLS = 10
PATIENCE = 30.0


def in_child(work) -> int:
    """Runs `work` in a child; returns its pid."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def wait_for(children) -> None:
    """Every child ends well, and in time."""
    give_up = time.monotonic() + PATIENCE
    for child in children:
        while True:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                assert status == 0
                break
            if time.monotonic() > give_up:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                pytest.fail("a child hangs")
            time.sleep(0.005)


def test_a_hundred_forks_after_use_in_the_parent(server: Server, broker: tokenkeep.Broker):
    broker.token("acme", force_refresh=True)

    def use():
        for call in range(CALLS):
            broker.token("acme", force_refresh=call % 5 == 0)
            broker.connections()
        broker.close()

    for _ in range(FORKS):
        wait_for([in_child(use)])
    assert len(server.refreshes()) == 1 + FORKS * CALLS // 5
    assert server.journal()["reuse_count"] == 0
    broker.token("acme", force_refresh=True)


def test_forks_while_another_thread_refreshes(server: Server, broker: tokenkeep.Broker):
    stop, failures = threading.Event(), []

    def refresh():
        while not stop.is_set():
            try:
                broker.token("acme", force_refresh=True)
            except tokenkeep.TokenkeepError as error:
                failures.append(error)

    thread = threading.Thread(target=refresh)
    thread.start()
    try:

        def use():
            for _ in range(CALLS):
                broker.token("acme")
            broker.token("acme", force_refresh=True)

        for _ in range(FORKS):
            wait_for([in_child(use)])
    finally:
        stop.set()
        thread.join()
    assert failures == []
    assert server.journal()["reuse_count"] == 0


def test_a_pre_fork_server(server: Server, home: Home):
    broker = home.broker()
    home.log_in_expired(broker)
    broker.connections()
    children = [in_child(lambda: [broker.token("acme") for _ in range(CALLS)]) for _ in range(8)]
    wait_for(children)
    assert len(server.refreshes()) == 1


def test_a_pool_of_forked_processes(server: Server, broker: tokenkeep.Broker):
    global inherited
    inherited = broker
    with multiprocessing.get_context("fork").Pool(4) as pool:
        secrets = pool.map(ask, range(40))
    assert set(secrets) == {broker.token("acme").secret}


def ask(_):
    return inherited.token("acme").secret


def test_a_child_of_a_child(broker: tokenkeep.Broker):
    def use():
        broker.token("acme", force_refresh=True)
        wait_for([in_child(lambda: broker.token("acme", force_refresh=True))])

    wait_for([in_child(use)])


def test_asyncio_in_a_child(home: Home, broker: tokenkeep.Broker):
    import asyncio

    shared = home.async_broker()
    asyncio.run(shared.token("acme", force_refresh=True))
    wait_for([in_child(lambda: asyncio.run(shared.token("acme", force_refresh=True)))])


def test_a_child_that_only_forgets_the_broker_ends(home: Home):
    script = """
import os, tokenkeep
broker = tokenkeep.Broker()
broker.token('acme', force_refresh=True)
child = os.fork()
if not child:
    del broker
    raise SystemExit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    home.log_in(home.broker())
    home.run_python(script)


def test_a_refresh_of_the_parent_is_not_waited_for_in_a_child(server: Server, home: Home):
    broker = home.broker()
    home.log_in_expired(broker)
    server.at_refresh({"type": "delay", "milliseconds": 1000, "when": "after"})
    tokens = []
    thread = threading.Thread(target=lambda: tokens.append(broker.token("acme")))
    thread.start()
    server.until_faults_struck()
    began = time.monotonic()
    wait_for([in_child(broker.close)])
    assert time.monotonic() - began < 0.9
    # It can wait for the parent's lock like any other process, and then has the parent's token.
    wait_for([in_child(lambda: broker.token("acme"))])
    thread.join()
    assert len(tokens) == 1 and len(server.refreshes()) == 1


def test_a_stream_of_changes_goes_on_in_a_child(home: Home, broker: tokenkeep.Broker):
    changes = broker.connection_changes()
    assert next(changes).kind == "appeared"
    home.log_in(home.broker(), connection="work")

    def go_on():
        assert (next(changes).kind, next(broker.connection_changes()).kind) == ("appeared", "appeared")

    wait_for([in_child(go_on)])
    assert next(changes).connection.connection == "work"
