"""The person and the browser: as a whole, for a login that is left to itself, and step by step."""

import http.client
import subprocess
import threading
from typing import Dict, NamedTuple, Optional
from urllib.parse import urlencode, urlsplit

import tokenkeep

from .programs import program

# Longer than any answer takes.
PATIENCE = 30.0


class Person(tokenkeep.Interaction):
    """A person who opens every address and enters every code, and says yes; with `--deny` no."""

    def __init__(self, *arguments: str) -> None:
        self._program = [program("stand-in-person"), *arguments]

    def open_url(self, url: str) -> None:
        """Opens it as a browser would, while the login waits for its answer."""
        self._begin(url)

    def show_device_authorization(self, device: tokenkeep.DeviceAuthorization) -> None:
        """Enters the code."""
        self._begin("--device", device.verification_uri, device.user_code)

    def _begin(self, *arguments: str) -> None:
        process = subprocess.Popen([*self._program, *arguments], stderr=subprocess.DEVNULL)
        threading.Thread(target=process.wait).start()


class Answer(NamedTuple):
    """What came back for one request."""

    status: int
    #: By name, in any case; `get_all` where there are several.
    headers: http.client.HTTPMessage
    text: str


def visit(url: str) -> None:
    """Opens an authorization URL and says yes. The last page is a good one."""
    subprocess.run([program("stand-in-person"), url], check=True, timeout=PATIENCE, capture_output=True)


def enter_user_code(verification_uri: str, user_code: str, *options: str) -> None:
    """Opens a verification URI, enters the code and says yes; with `--deny` no."""
    command = [program("stand-in-person"), *options, "--device", verification_uri, user_code]
    subprocess.run(command, check=True, timeout=PATIENCE, capture_output=True)


def redirected(url: str) -> str:
    """Says yes at the authorization URL; the address that the server sends the browser to, without going there."""
    answer = get(url)
    assert 300 <= answer.status < 400, answer
    return answer.headers["location"]


def get(url: str, headers: Optional[Dict[str, str]] = None) -> Answer:
    """One GET; nothing is followed."""
    return _send("GET", url, None, headers or {})


def post(url: str, form: Dict[str, str]) -> Answer:
    """One POST of a form; nothing is followed."""
    return _send("POST", url, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})


def get_with_token(url: str, access_token: str) -> Answer:
    """One GET with a bearer token in the header."""
    return get(url, {"Authorization": f"Bearer {access_token}"})


def _send(method: str, url: str, body: Optional[str], headers: Dict[str, str]) -> Answer:
    place = urlsplit(url)
    assert place.scheme == "http" and place.hostname, url
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=PATIENCE)
    try:
        connection.request(method, place._replace(scheme="", netloc="").geturl(), body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode())
    finally:
        connection.close()
