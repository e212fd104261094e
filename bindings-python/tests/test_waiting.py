"""A call that waits: other threads run, Ctrl-C ends it, and nothing is lost by that."""

import os
import signal
import threading
import time

import pytest
import tokenkeep
from tokenkeep_testing import Home, Server

SLOW = {"type": "delay", "milliseconds": 2000}


def interrupt_when_waiting(server: Server) -> list:
    """Sends this process a real SIGINT as soon as the fault has met its request; says when."""
    sent = []

    def send():
        server.until_faults_struck()
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=send).start()
    return sent


def test_ctrl_c_ends_a_refresh_at_once_and_loses_nothing(server: Server, home: Home):
    broker = home.broker()
    home.log_in_expired(broker)
    server.at_refresh({**SLOW, "when": "after"})
    sent = interrupt_when_waiting(server)
    with pytest.raises(KeyboardInterrupt):
        broker.token("acme")
    assert time.monotonic() - sent[0] < 0.2
    # The refresh goes on by itself: the server has rotated, and what it answers is kept.
    broker.close()
    assert broker.cached_token("acme") is not None
    assert len(server.refreshes()) == 1


def test_ctrl_c_ends_a_login(server: Server, home: Home):
    class Absent(tokenkeep.Interaction):
        def open_url(self, url):
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

    sent = []
    broker = home.broker()
    with pytest.raises(KeyboardInterrupt):
        broker.login("acme", flow="pkce", interaction=Absent())
    assert time.monotonic() - sent[0] < 0.2
    with pytest.raises(tokenkeep.NotConnectedError):
        broker.connection("acme")


def test_a_handler_of_the_programs_own_may_raise_what_it_likes(server: Server, home: Home):
    class Enough(Exception):
        pass

    def enough(*_):
        raise Enough

    broker = home.broker()
    home.log_in_expired(broker)
    server.at_refresh(SLOW)
    before = signal.signal(signal.SIGINT, enough)
    try:
        interrupt_when_waiting(server)
        with pytest.raises(Enough):
            broker.token("acme")
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_script_that_ends_after_giving_a_call_up_loses_no_refresh_token(server: Server, home: Home):
    home.log_in_expired(home.broker())
    server.at_refresh({**SLOW, "when": "after"})
    script = home.start_python(
        "import tokenkeep\n"
        "try: tokenkeep.Broker().token('acme')\n"
        "except KeyboardInterrupt: print('interrupted', flush=True)"
    )
    server.until_faults_struck()
    script.send_signal(signal.SIGINT)
    output, errors = script.communicate(timeout=30)
    assert (output, script.returncode) == ("interrupted\n", 0), errors
    assert home.broker().cached_token("acme") is not None
    assert len(server.refreshes()) == 1


def test_eight_threads_compute_while_another_waits_for_a_refresh(server: Server, home: Home):
    broker = home.broker()
    home.log_in_expired(broker)
    stop, counts = threading.Event(), [0] * 8

    def compute(number):
        while not stop.is_set():
            counts[number] += 1

    threads = [threading.Thread(target=compute, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    try:
        free = rate(counts, lambda: time.sleep(1))
        server.at_refresh(SLOW)
        waiting = rate(counts, lambda: broker.token("acme"))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(server.refreshes()) == 1
    assert all(counts)
    # As much as without a call: what is missing is what two clocks and a busy machine do.
    assert waiting > free / 2


def rate(counts, wait):
    before, began = sum(counts), time.monotonic()
    wait()
    return (sum(counts) - before) / (time.monotonic() - began)


def test_a_hundred_threads_make_one_refresh(server: Server, home: Home):
    broker = home.broker()
    home.log_in_expired(broker)
    server.at_refresh({"type": "delay", "milliseconds": 200})
    tokens = []
    threads = [threading.Thread(target=lambda: tokens.append(broker.token("acme"))) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 100 and all(token == tokens[0] for token in tokens)
    assert len(server.refreshes()) == 1


@pytest.mark.parametrize("call", ["token('acme')", "token('acme', scopes='more')", "connection('acme')", "connection('no')"])
def test_threads_that_are_left_behind_end_with_the_program(home: Home, call):
    home.log_in(home.broker())
    script = f"""
import threading, time, tokenkeep
broker = tokenkeep.Broker()

def ask():
    while True:
        try:
            broker.{call}
        except tokenkeep.TokenkeepError:
            pass

for _ in range(4):
    threading.Thread(target=ask, daemon=True).start()
time.sleep(0.1)
"""
    for _ in range(5):
        assert home.run_python(script) == ""


def test_a_with_block_ends_with_everything_written_down(server: Server, home: Home):
    with home.broker() as broker:
        home.log_in_expired(broker)
        server.at_refresh({**SLOW, "when": "after"})
        interrupt_when_waiting(server)
        with pytest.raises(KeyboardInterrupt):
            broker.token("acme")
    assert home.broker().cached_token("acme") is not None
