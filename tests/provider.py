"""A provider of language models on loopback: real HTTP, a script of good and bad ways to answer, for tests.

`with Provider() as p:` and point a client at `p.url` with `p.key`. Each request that keeps the API's
contract takes the next step of `p.script(...)`, or `p.default`; one that breaks it is answered with 400, or
401 for a wrong key, and noted in `p.refused`. What a model says (`sensible`, `obeying`) is in `answering`.
"""

from __future__ import annotations

import gzip
import json
import math
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from answering import broken_rule, obeying, sensible

__all__ = ["KEY", "Asked", "Exchange", "Provider", "Step", "obeying", "sensible"]

KEY = "sk-ant-test-0000000000"
BABBLE = "BABBLE of the provider"  # in every error message of its: it must never be shown or logged
Say = str | dict[str, Any] | Callable[[dict[str, Any]], str]


class Asked:
    """One request: *json* its body, *headers* with names in lower case, and whether the caller hung up."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.body = body
        self.at = time.monotonic()
        self.disconnected = False
        try:
            self.json: dict[str, Any] = json.loads(body)
        except ValueError:
            self.json = {}


class Exchange:
    """One request being answered: what a step writes to."""

    def __init__(self, provider: Provider, asked: Asked, connection: socket.socket) -> None:
        self.provider = provider
        self.asked = asked
        self.cut = False  # True: the connection ends with this answer
        self._connection = connection

    def answer(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
        *,
        length: int | None = None,
    ) -> None:
        """Write a whole answer; *length* promises another size than that of *body*."""
        head = {
            "content-type": content_type,
            "content-length": str(len(body) if length is None else length),
            "request-id": f"req_{len(self.provider.requests):06d}",
            **(headers or {}),
        }
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in head.items())]
        self.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def write(self, data: bytes) -> None:
        """Write *data* as it is."""
        self._connection.sendall(data)

    def wait(self, seconds: float) -> bool:
        """Let time pass; False as soon as the caller hangs up or the provider closes."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.provider.closing.is_set():
            readable, _, _ = select.select([self._connection], [], [], min(left, 0.02))
            if readable and not self._connection.recv(1, socket.MSG_PEEK):
                self.provider.note_gone(self.asked)
                return False
        return not self.provider.closing.is_set()


Step = Callable[[Exchange], None]


class Provider:
    """Where it listens, what it was asked, and what it answers next."""

    def __init__(self, key: str = KEY, port: int = 0) -> None:
        self.key = key
        self.default: Step = ok(sensible)
        self.requests: list[Asked] = []  # all that came in, refused ones too
        self.refused: list[str] = []
        self.in_flight = 0
        self.max_in_flight = 0
        self.connections = 0
        self.closing = threading.Event()
        self.changed = threading.Condition()
        self._script: deque[Step] = deque()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.provider = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """What to set as base URL."""
        return f"http://127.0.0.1:{self.port}"

    def script(self, *steps: Step) -> None:
        """Answer the next requests with *steps*, one each, then with `default` again."""
        with self.changed:
            self._script.extend(steps)

    def wait(self, requests: int, *, seconds: float = 5.0) -> list[Asked]:
        """Wait until *requests* have come in; all that came in by then."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.requests) >= requests, seconds)
            return list(self.requests)

    def wait_gone(self, requests: int = 1, *, seconds: float = 5.0) -> int:
        """Wait until the callers of *requests* have hung up; how many did by then."""
        with self.changed:
            self.changed.wait_for(lambda: self._gone() >= requests, seconds)
            return self._gone()

    def close(self) -> None:
        """Let go of every caller and stop listening; a second time does nothing."""
        self.closing.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(5)
        self._server.server_close()

    def handle(self, exchange: Exchange) -> None:
        """Answer one request: by contract, then by script."""
        with self.changed:
            self.requests.append(exchange.asked)
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            fault = self._fault(exchange.asked)
            step = fault or (self._script.popleft() if self._script else self.default)
            self.changed.notify_all()
        try:
            step(exchange)
        finally:
            with self.changed:
                self.in_flight -= 1

    def note_gone(self, asked: Asked) -> None:
        """Note that the caller of *asked* hung up."""
        with self.changed:
            asked.disconnected = True
            self.changed.notify_all()

    def _gone(self) -> int:
        return sum(asked.disconnected for asked in self.requests)

    def _fault(self, asked: Asked) -> Step | None:
        if asked.headers.get("authorization") != f"Bearer {self.key}":
            self.refused.append("authentication")
            return err(401)
        if (rule := broken_rule(asked.path, asked.headers, asked.json)) is not None:
            self.refused.append(rule)
            return err(400)
        return None


def ok(say: Say = sensible, *, stop_reason: str = "end_turn") -> Step:
    """Answer with one text block: a text, a dict as JSON, or what a function makes of the request."""

    def step(exchange: Exchange) -> None:
        exchange.answer(200, message(exchange.asked.json, spoken(say, exchange), stop_reason))

    return step


def spoken(say: Say, exchange: Exchange) -> str:
    """The words of *say*."""
    if isinstance(say, str):
        return say
    return json.dumps(say) if isinstance(say, dict) else say(exchange.asked.json)


def message(
    request: dict[str, Any], text: str, stop_reason: str, content: list[dict[str, Any]] | None = None
) -> bytes:
    """The body of a good answer; tokens are a quarter of the characters."""
    body = {
        "id": "msg_0000000000",
        "type": "message",
        "role": "assistant",
        "model": request.get("model"),
        "content": [{"type": "text", "text": text}] if content is None else content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": math.ceil(len(json.dumps(request)) / 4),
            "output_tokens": math.ceil(len(text) / 4),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        },
    }
    return json.dumps(body).encode()


_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def err(
    status: int, headers: dict[str, str] | None = None, body: bytes | None = None, code: str = ""
) -> Step:
    """Answer with an error as the API words it; *code* is its `error_code`, as of a spend limit."""
    error: dict[str, Any] = {"type": _KINDS.get(status, "api_error"), "message": BABBLE}
    if code:
        error["details"] = {"error_code": code}
    usual = json.dumps({"type": "error", "error": error}).encode()
    return lambda exchange: exchange.answer(status, usual if body is None else body, headers=headers)


def spend_limit(code: str = "enforced_spend_limit_reached") -> Step:
    """429: the budget set with the provider is used up."""
    return err(429, {"retry-after": "100000"}, code=code)


def hang(seconds: float = 60.0, then: Step | None = None) -> Step:
    """Say nothing for *seconds*, then answer with *then*, by default sensibly."""

    def step(exchange: Exchange) -> None:
        if exchange.wait(seconds):
            (then or ok())(exchange)

    return step


def drip(every: float = 0.05, size: int = 1) -> Step:
    """Send a good answer, *size* bytes *every* so many seconds."""

    def step(exchange: Exchange) -> None:
        body = message(exchange.asked.json, sensible(exchange.asked.json), "end_turn")
        exchange.answer(200, b"", length=len(body))
        for start in range(0, len(body), size):
            if not exchange.wait(every):
                exchange.cut = True
                return
            exchange.write(body[start : start + size])

    return step


def raw(body: bytes, content_type: str = "application/json", *, status: int = 200) -> Step:
    """Answer with exactly these bytes."""
    return lambda exchange: exchange.answer(status, body, content_type)


def empty() -> Step:
    """200 and nothing."""
    return raw(b"")


def html() -> Step:
    """200 and a page, as a captive portal or a gateway answers."""
    return raw(b"<!doctype html><title>Sign in</title>" + BABBLE.encode(), "text/html; charset=utf-8")


def malformed() -> Step:
    """200 and JSON that ends too early."""
    return raw(b'{"id": "msg_0", "type": "message", "content": [{"type": "te')


def endless(status: int = 200, part: bytes = b" " * 65_536) -> Step:
    """A body that never ends, as fast as it is taken."""

    def step(exchange: Exchange) -> None:
        exchange.answer(status, b"", length=10**12)
        while not exchange.provider.closing.is_set():
            exchange.write(part)

    return step


def gzip_bomb(megabytes: int = 200, status: int = 200) -> Step:
    """A thousandth of so many megabytes of blanks, compressed without having been asked to be."""
    packed = gzip.compress(b" " * (megabytes * 1_000_000), 1)
    return lambda exchange: exchange.answer(status, packed, headers={"content-encoding": "gzip"})


def counted(**usage: object) -> Step:
    """A good answer that claims *usage*."""

    def step(exchange: Exchange) -> None:
        body = json.loads(message(exchange.asked.json, sensible(exchange.asked.json), "end_turn"))
        exchange.answer(200, json.dumps({**body, "usage": usage}).encode())

    return step


def cut() -> Step:
    """Close the connection half way through a good answer."""

    def step(exchange: Exchange) -> None:
        body = message(exchange.asked.json, sensible(exchange.asked.json), "end_turn")
        exchange.answer(200, body[: len(body) // 2], length=len(body))
        exchange.cut = True

    return step


def truncated(say: Say = sensible) -> Step:
    """The answer as far as `max_tokens` reached: half of it."""

    def step(exchange: Exchange) -> None:
        text = spoken(say, exchange)
        exchange.answer(200, message(exchange.asked.json, text[: len(text) // 2], "max_tokens"))

    return step


def refusal(text: str = "") -> Step:
    """The model's safety check said no, with or without a text."""

    def step(exchange: Exchange) -> None:
        content = [{"type": "text", "text": text}] if text else []
        exchange.answer(200, message(exchange.asked.json, text, "refusal", content))

    return step


def tool_use() -> Step:
    """The model calls a tool that nobody offered."""
    block = {"type": "tool_use", "id": "toolu_0", "name": "run_shell", "input": {"cmd": "true"}}
    return lambda exchange: exchange.answer(200, message(exchange.asked.json, "", "tool_use", [block]))


def wrong_ids() -> Step:
    """An answer in the right shape about candidates, evidence and actions that were never named."""
    return ok(obeying("C9", evidence=["E99"], actions=["A9"], cited=["E99"]))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    provider: Provider

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that closing can end it."""
        self._open.add(request)
        self.provider.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget it."""
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening and end what is open."""
        super().server_close()
        for request in list(self._open):
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # its signature
        """A caller that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:  # the name that http.server asks for
        """Read the body and hand over."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        exchange = Exchange(self.server.provider, Asked(self.path, headers, body), self.connection)
        try:
            self.server.provider.handle(exchange)
        except OSError:
            self.server.provider.note_gone(exchange.asked)
            exchange.cut = True
        if exchange.cut or exchange.asked.disconnected or self.server.provider.closing.is_set():
            self.close_connection = True

    do_GET = do_POST  # noqa: N815 - the name that http.server asks for

    def log_message(self, format: str, *args: Any) -> None:  # its signature
        """Say nothing."""
