"""How a login talks to the person: any object with some of the methods, on a thread of its own."""

import subprocess
import threading
import types

import pytest
import tokenkeep
from tokenkeep_testing import Home, Server, program
from tokenkeep_testing.home import Person


def test_a_login_with_a_browser(home: Home):
    told = []

    class Told(Person):
        def flow_chosen(self, flow, reason):
            told.append((flow, reason, threading.current_thread() is threading.main_thread()))

    home.broker().login("acme", flow="pkce", interaction=Told())
    assert told == [("pkce", "it was asked for", False)]


def test_a_login_with_a_device_code(server: Server, home: Home):
    shown = []

    class Told(Person):
        def show_device_authorization(self, device):
            shown.append(device)
            super().show_device_authorization(device)

    server.change(device_interval=1)
    assert home.broker().login("acme", flow="device_code", interaction=Told()).status == "connected"
    (device,) = shown
    assert device.verification_uri == f"{server.origin}/device"
    assert device.user_code and device.expires_in == 900 and device.message is None


def test_a_login_whose_address_is_pasted(server: Server, home: Home):
    class Pasted(tokenkeep.Interaction):
        def open_url(self, url):
            self.url = url

        def read_redirect_url(self):
            return server.answer_to(self.url)

    assert home.broker().login("acme", paste=True, interaction=Pasted()).status == "connected"


def test_any_object_will_do(home: Home):
    person = types.SimpleNamespace(open_url=Person().open_url)
    assert home.broker().login("acme", flow="pkce", interaction=person).status == "connected"


@pytest.mark.parametrize("person", [object(), tokenkeep.Interaction(), types.SimpleNamespace()])
def test_what_is_not_overridden_the_core_does(home: Home, person, monkeypatch):
    monkeypatch.setenv("BROWSER", program("stand-in-person"))
    assert home.broker().login("acme", flow="pkce", interaction=person).status == "connected"
    with pytest.raises(tokenkeep.UnsupportedError):
        home.broker().login("acme", flow="device_code", interaction=person)


def test_nobody_to_talk_to_is_the_person_at_the_terminal(home: Home):
    script = "import tokenkeep; print(tokenkeep.Broker().login('acme').status)"
    process = home.start_python(script)
    output, errors = process.communicate(timeout=30)
    assert output == "connected\n"
    assert "Open this address in your browser:" in errors


class Angry(Exception):
    pass


@pytest.mark.parametrize("method", ["flow_chosen", "open_url"])
def test_an_exception_ends_the_login_and_is_its_cause(home: Home, method):
    def refuse(*_):
        raise Angry("not now")

    person = types.SimpleNamespace(**{"open_url": lambda url: None, method: refuse})
    with pytest.raises(tokenkeep.LoginCancelledError, match="Angry: not now") as raised:
        home.broker().login("acme", flow="pkce", interaction=person)
    assert isinstance(raised.value.__cause__, Angry)
    with pytest.raises(tokenkeep.NotConnectedError):
        home.broker().connection("acme")


def test_an_exception_while_the_login_waits_ends_it_too(server: Server, home: Home):
    class Strict(tokenkeep.Interaction):
        def open_url(self, url):
            state_of_another = subprocess.run(
                [program("stand-in-person"), url.replace("state=", "state=x")], capture_output=True, text=True
            )
            assert state_of_another.returncode != 0

        def response_refused(self, reason):
            raise Angry(reason)

    with pytest.raises(tokenkeep.LoginCancelledError) as raised:
        home.broker().login("acme", flow="pkce", interaction=Strict())
    assert isinstance(raised.value.__cause__, Angry)


def test_an_answer_that_is_no_text_is_an_error(home: Home):
    person = types.SimpleNamespace(open_url=lambda url: None, read_redirect_url=lambda: 7)
    with pytest.raises(tokenkeep.LoginCancelledError, match="read_redirect_url answered a number and no text"):
        home.broker().login("acme", paste=True, interaction=person)


def test_nobody_comes(home: Home):
    person = types.SimpleNamespace(open_url=lambda url: None)
    with pytest.raises(tokenkeep.LoginTimedOutError):
        home.broker().login("acme", flow="pkce", timeout=0.2, interaction=person)


def test_a_login_in_two_halves(server: Server, home: Home):
    broker = home.broker()
    pending = broker.begin_login("acme", redirect_uri="http://127.0.0.1/callback", scopes=["read"])
    other = broker.begin_login("acme", redirect_uri="http://127.0.0.1/callback", scopes=["read"])
    answer = server.answer_to(pending.authorization_url)
    with pytest.raises(tokenkeep.ProviderRejectedError):
        broker.finish_login(other, answer)
    assert broker.finish_login(pending, answer).requested_scopes == ["read", "offline_access"]
    with pytest.raises(tokenkeep.ProviderRejectedError, match="has had its answer"):
        broker.finish_login(pending, answer)
