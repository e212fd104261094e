"""Microsoft's mail servers, for a document's reader: they take a SASL response of XOAUTH2, and little else.

What connects to them is connected to a thread here. The context that a program brings for TLS must check whom it talks to;
then the connection stays as it is.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

_RESPONSE = re.compile(rb"user=[^\x01@]+@[^\x01@]+\x01auth=Bearer [^\x01\s]{20,}\x01\x01")


def _accepted(response: bytes) -> bool:
    return _RESPONSE.fullmatch(base64.b64decode(response, validate=True)) is not None


def _imap(line: Callable[[], bytes], say: Callable[[bytes], None]) -> None:
    say(b"* OK ready")
    while words := line().split():
        tag, command = words[0], words[1].upper()
        if command == b"CAPABILITY":
            say(b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2")
        elif command == b"AUTHENTICATE" and words[2] == b"XOAUTH2":
            say(b"+ ")
            if not _accepted(line()):
                say(tag + b" NO AUTHENTICATE failed.")
                continue
        elif command == b"EXAMINE":
            say(b"* 2 EXISTS")
        elif command == b"SEARCH":
            say(b"* SEARCH 1 2")
        elif command == b"LOGOUT":
            say(b"* BYE")
        else:
            say(tag + b" BAD")
            continue
        say(tag + b" OK done")


def _smtp(line: Callable[[], bytes], say: Callable[[bytes], None]) -> None:
    say(b"220 ready")
    while words := line().split():
        command = words[0].upper()
        if command == b"EHLO":
            say(b"250-ready\r\n250-STARTTLS\r\n250 AUTH XOAUTH2")
        elif command == b"STARTTLS":
            say(b"220 go on")
        elif command == b"AUTH" and words[1] == b"XOAUTH2":
            say(b"235 2.7.0 Authentication successful" if _accepted(words[2]) else b"535 5.7.3 unsuccessful")
        elif command in (b"MAIL", b"RCPT"):
            say(b"250 ok")
        elif command == b"DATA":
            say(b"354 go on")
            while line() != b".":
                pass
            say(b"250 sent")
        elif command == b"QUIT":
            say(b"221 bye")
        else:
            say(b"500 what?")


_SERVERS = {("outlook.office365.com", 993): _imap, ("smtp.office365.com", 587): _smtp}


def _served(server: Callable[[Callable[[], bytes], Callable[[bytes], None]], None]) -> socket.socket:
    ours, theirs = socket.socketpair()
    stream: BinaryIO = ours.makefile("rwb", buffering=0)  # type: ignore[assignment]

    def line() -> bytes:
        return stream.readline().rstrip(b"\r\n")

    def say(text: bytes) -> None:
        stream.write(text + b"\r\n")

    def serve() -> None:
        with ours, stream:
            server(line, say)

    threading.Thread(target=serve, daemon=True).start()
    return theirs


def stand_in() -> None:
    """From here on the names of Microsoft's mail servers lead to these."""
    connect, wrap = socket.create_connection, ssl.SSLContext.wrap_socket

    def create_connection(address: tuple[str, int], *more: Any, **named: Any) -> socket.socket:
        server = _SERVERS.get(address)
        return connect(address, *more, **named) if server is None else _served(server)

    def wrap_socket(context: ssl.SSLContext, sock: Any, *more: Any, **named: Any) -> Any:
        if named.get("server_hostname") not in {host for host, _ in _SERVERS}:
            return wrap(context, sock, *more, **named)
        assert context.check_hostname and context.verify_mode == ssl.CERT_REQUIRED, "the token would go to anybody"
        return sock

    socket.create_connection = create_connection  # type: ignore[assignment]
    ssl.SSLContext.wrap_socket = wrap_socket  # type: ignore[method-assign, assignment]
