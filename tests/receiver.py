"""A real HTTP receiver of notifications that can be told to behave badly, for tests.

Its ways: `take` (200), `fail` (500), `hang` (no answer), `drip` (an answer that never ends, a byte at a
time), `babble` (a broken header).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Where it listens, what it was sent, and its *way* of answering, which may change at any time."""

    def __init__(self, port: int = 0) -> None:
        self.way = "take"
        self.taken: list[dict[str, Any]] = []  # what was answered with 200
        self.asked = 0
        self.closing = threading.Event()
        self.changed = threading.Condition()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.receiver = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def url(self, rest: str = "/hook", *, user: str = "") -> str:
        """Its address as Apprise writes it."""
        return f"json://{user}127.0.0.1:{self.port}{rest}"

    def wait(self, messages: int, *, seconds: float = 10.0) -> list[dict[str, Any]]:
        """Wait until it has taken *messages*; all it has taken by then."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.taken) >= messages, seconds)
            return list(self.taken)

    def close(self) -> None:
        """Let go of every caller and stop listening."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver on *port*, by default a free one, until the block ends."""
    receiver = Receiver(port)
    try:
        yield receiver
    finally:
        receiver.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    receiver: Receiver


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:  # the name that http.server asks for
        """Read the body and answer in the receiver's way."""
        receiver = self.server.receiver
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        way = receiver.way
        with receiver.changed:
            receiver.asked += 1
            if way == "take":
                receiver.taken.append(body)
            receiver.changed.notify_all()
        with suppress(OSError):
            getattr(self, f"_{way}")()

    def _take(self) -> None:
        self._answer(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    def _fail(self) -> None:
        self._answer(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    def _babble(self) -> None:
        self._answer(b"HTTP/1.1 503 No\r\nthis is no header\r\n: nor this\r\nconnection: close\r\n\r\n")

    def _hang(self) -> None:
        self.server.receiver.closing.wait()

    def _drip(self) -> None:
        self._answer(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while not self.server.receiver.closing.wait(0.05):
            self._answer(b".")

    def _answer(self, text: bytes) -> None:
        self.wfile.write(text)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # its signature
        """Say nothing."""
