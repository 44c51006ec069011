"""One HTTP request and its one response, with the headers and the error shape every response has."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiops_rca.domain.errors import RcaError
from aiops_rca.wire import STATUS, ErrorBody, ErrorOut, encode

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON = b"application/json"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Exchange:
    """One request and its one response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self.receive, self._send = scope, receive, send
        self.headers = dict(scope["headers"])
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.started = time.perf_counter()
        self.status = 0
        self.log_fields: dict[str, object] = {}
        given = self.headers.get(b"x-request-id", b"").decode("latin-1")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex

    @property
    def elapsed(self) -> float:
        """Seconds since the request came in."""
        return time.perf_counter() - self.started

    async def send(self, message: Message) -> None:
        """Pass *message* on; the first one gets the headers every response carries."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [
                *message.get("headers", ()),
                (b"x-request-id", self.request_id.encode()),
                (b"x-response-time-ms", b"%.2f" % (self.elapsed * 1000)),
                (b"x-content-type-options", b"nosniff"),
            ]
            message = {**message, "headers": headers}
        await self._send(message)

    async def reply(self, status: int, body: bytes, extra: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Send a whole JSON response; HEAD gets the headers alone."""
        headers = [(b"content-type", JSON), (b"content-length", b"%d" % len(body)), *extra]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        content = b"" if self.method == "HEAD" else body
        await self.send({"type": "http.response.body", "body": content})

    async def refuse(self, error: RcaError, extra: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Send *error* in the one error shape."""
        status = STATUS[error.code]
        if status == 503:
            extra = (*extra, (b"retry-after", b"1"))
        body = ErrorBody(error.code, error.message, error.field, self.request_id)
        await self.reply(status, encode(ErrorOut(body)), extra)
