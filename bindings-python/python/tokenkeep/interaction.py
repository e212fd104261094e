"""Talking to the person during a login, in a way of the program's own."""

from __future__ import annotations

from . import _native
from .records import DeviceAuthorization

# What a type checker reads, and no program imports.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Interaction"]


class Interaction:
    """Talks to the person during a login. Override what your program does in its own way.

    Any object with some of these methods will do. They are called on a thread of their own, and may block. What one
    raises ends the login with `LoginCancelledError`, whose `__cause__` it is.
    """

    def flow_chosen(self, flow: str, reason: str) -> None:
        """The flow that was chosen, `pkce`, `device_code` or `client_credentials`, and why. By default nobody is told."""

    def open_url(self, url: str) -> None:
        """Takes the person to the authorization URL. By default in the system's browser (RFC 8252 8.12)."""
        _native.default_answer("open_url", [url])

    def show_device_authorization(self, device: DeviceAuthorization) -> None:
        """Shows the user code and where to enter it (RFC 8628 3.3).

        Say which program asks, and that nobody should go on who has not started it (RFC 8628 5.4). The default raises
        `UnsupportedError`.
        """
        _native.default_answer("show_device_authorization", [])

    def read_redirect_url(self) -> str:
        """Asks for the address that the browser ended up at, with `paste`. The default raises `UnsupportedError`."""
        url: str = _native.default_answer("read_redirect_url", [])
        return url

    def response_refused(self, reason: str) -> None:
        """Something reached the loopback redirect and was not the answer; the flow goes on waiting."""


def call(person: object, method: str, arguments: tuple[Any, ...]) -> Any:
    """A call of the core's, as the person's object takes it."""
    if method == "show_device_authorization":
        arguments = tuple(map(DeviceAuthorization, arguments))
    return getattr(person, method)(*arguments)
