"""An HTTP server of our own on a free port of loopback, stopped by who started it."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from extract.transfer.clock import Clock

ANSWER_LIMIT_S = 20.0


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer; what to answer is said by the server's ``respond``."""

    server: "_Server"
    protocol_version = "HTTP/1.1"
    timeout = ANSWER_LIMIT_S
    disable_nagle_algorithm = True  # head and body are two writes: the second would wait for an acknowledgement

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        self.body = self.rfile.read(length)
        parts = urlsplit(self.path)
        self.route, self.query = parts.path, parse_qsl(parts.query, keep_blank_values=True)
        with self.server.guard:
            self.server.log.append((self.command, self.route))
        self.server.respond(self)

    do_GET = do_POST = do_HEAD = _answer  # noqa: N815

    def send(self, content: bytes, status: int = 200, kind: str = "text/plain", **headers: str) -> None:
        """A whole answer."""
        self.head(len(content), status, kind, **headers)
        if self.command != "HEAD":
            self.wfile.write(content)

    def head(self, length: int, status: int = 200, kind: str = "text/plain", **headers: str) -> None:
        """The head of an answer of this length."""
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def cut(self, content: bytes, kind: str = "text/plain") -> None:
        """Announce the whole, send half, and hang up."""
        self.head(len(content), kind=kind)
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
        self.close_connection = True

    def stall(self) -> None:
        """Say nothing until the server stops."""
        self.server.stopping.wait(ANSWER_LIMIT_S)
        self.close_connection = True

    def log_message(self, *words: Any) -> None:
        """Keep quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, respond: Callable[[Exchange], None]) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.respond = respond
        self.log: list[tuple[str, str]] = []
        self.guard = Lock()
        self.stopping = Event()
        self.errors: list[BaseException] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep an error of this server; a client that hung up is what some tests are about."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.errors.append(error)


class Loopback(ABC):
    """A server as a context; ``log`` holds method and path of each request."""

    def __init__(self) -> None:
        self._server = _Server(self.respond)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @abstractmethod
    def respond(self, exchange: Exchange) -> None:
        """Answer one request."""

    @property
    def log(self) -> list[tuple[str, str]]:
        return self._server.log

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Any":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(ANSWER_LIMIT_S)
        assert self._server.errors == []


class FakeClock:
    """Time that passes only while somebody sleeps; what was slept is kept."""

    def __init__(self, now: datetime) -> None:
        self.start = now
        self.passed_s = 0.0
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return self.start + timedelta(seconds=int(self.passed_s))

    def monotonic(self) -> float:
        return self.passed_s

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.passed_s += seconds

    @property
    def clock(self) -> Clock:
        return Clock(self.now, self.monotonic, self.sleep)
