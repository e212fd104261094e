"""An API that says what it was sent, in which header, and that answers as it is told."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Dict, List, Optional, Tuple, Type


class Api:
    """An API on this machine. The `with` block ends it."""

    def __init__(self) -> None:
        self.requests: List[Any] = []
        self._answers: List[Tuple[int, Dict[str, str]]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                api.requests.append(self.headers)
                status, headers = api._answers.pop(0) if api._answers else (200, {})
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST = answer

            def log_message(self, *words: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> "Api":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        raised: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, status: int, **headers: str) -> None:
        """The next request that has no answer yet gets this one; an underscore in a name stands for a hyphen."""
        self._answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}))

    def sent(self, name: str) -> List[Optional[str]]:
        """The header of that name, of each request."""
        return [headers[name] for headers in self.requests]
