"""A login that has begun, and waits for its person."""

import queue
import socket
import threading
import time
from concurrent.futures import Future
from typing import Any, List, Tuple
from urllib.parse import parse_qs, urlsplit

import tokenkeep

# Longer than anything that a test waits for.
PATIENCE = 60.0


class Watcher(tokenkeep.Interaction):
    """A person who does nothing, and what they are told."""

    #: Everything that it was told, in order: the method and what was shown.
    told: List[Tuple[Any, ...]]

    def __init__(self) -> None:
        self.told = []
        self._first: "Future[Any]" = Future()
        self._refused: "queue.Queue[str]" = queue.Queue()
        self._pasted: "queue.Queue[str]" = queue.Queue()

    def flow_chosen(self, flow: str, reason: str) -> None:
        """The core's word."""
        self.told.append(("flow_chosen", flow, reason))

    def open_url(self, url: str) -> None:
        """The core's word."""
        self.told.append(("open_url", url))
        self._first.set_result(url)

    def show_device_authorization(self, device: tokenkeep.DeviceAuthorization) -> None:
        """The core's word."""
        self.told.append(("show_device_authorization", device))
        self._first.set_result(device)

    def read_redirect_url(self) -> str:
        """Waits until the test pastes something."""
        self.told.append(("read_redirect_url",))
        return self._pasted.get(timeout=PATIENCE)

    def response_refused(self, reason: str) -> None:
        """The core's word."""
        self.told.append(("response_refused", reason))
        self._refused.put(reason)

    @property
    def url(self) -> str:
        """Waits for the authorization URL."""
        shown = self._first.result(timeout=PATIENCE)
        assert isinstance(shown, str), shown
        return shown

    @property
    def device(self) -> tokenkeep.DeviceAuthorization:
        """Waits for the device code."""
        shown = self._first.result(timeout=PATIENCE)
        assert isinstance(shown, tokenkeep.DeviceAuthorization), shown
        return shown

    def parameter(self, name: str) -> str:
        """A parameter of the authorization request."""
        (value,) = parse_qs(urlsplit(self.url).query)[name]
        return value

    def redirect(self, query: str = "") -> str:
        """Where the answer is received, with this query."""
        return f"{self.parameter('redirect_uri')}?{query}"

    @property
    def port(self) -> int:
        """The port that the answer is received at."""
        port = urlsplit(self.redirect()).port
        assert port
        return port

    def paste(self, text: str) -> None:
        """The person pastes something."""
        self._pasted.put(text)

    def refused(self) -> str:
        """Waits until something has been refused, and says why."""
        return self._refused.get(timeout=PATIENCE)


class UnderWay(Watcher):
    """`broker.login(provider, **options)` on a thread of its own."""

    def __init__(self, broker: tokenkeep.Broker, provider: str, **options: Any) -> None:
        super().__init__()
        self._outcome: "Future[tokenkeep.Connection]" = Future()
        call = {"interaction": self, **options}
        threading.Thread(target=self._log_in, args=(broker, provider, call), daemon=True).start()

    def finish(self) -> tokenkeep.Connection:
        """The end of the login: what `login` returns or raises."""
        return self._outcome.result(timeout=PATIENCE)

    def _log_in(self, broker: tokenkeep.Broker, provider: str, call: Any) -> None:
        try:
            self._outcome.set_result(broker.login(provider, **call))
        except Exception as error:
            self._outcome.set_exception(error)
            # Whoever waits to be shown something need not wait any longer.
            if not self._first.done():
                self._first.set_exception(error)


def is_closed(port: int, within: float = 1.0) -> bool:
    """True when nobody listens at `port` any more, or nobody does within that time."""
    give_up = time.monotonic() + within
    while any(_is_open(host, port) for host in ("127.0.0.1", "::1")):
        if time.monotonic() > give_up:
            return False
    return True


def _is_open(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError:
        return False
    return True
