"""The ASGI application that wraps the service: routing, limits, health, timing, access log.

Every response passes here, also those the layers inside refuse, so each has one shape, a request id
and a timing; an unknown path ends here and leaves no trace in any metric's labels.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiops_rca.domain.errors import RcaError
from aiops_rca.edge.body import (
    ByteBudget,
    ByteShare,
    ClientGoneError,
    after_body,
    check_type,
    read_body,
    while_connected,
)
from aiops_rca.edge.exchange import Exchange, Message, Receive, Scope, Send
from aiops_rca.edge.webhooks import Observer as WebhookObserver
from aiops_rca.edge.webhooks import Receiver, WebhookDoor, is_webhook
from aiops_rca.enrich.redact import redact
from aiops_rca.settings import Limits
from aiops_rca.wire import CLIENT_GONE

log = logging.getLogger("aiops_rca.access")

App = Callable[[Any, Any, Any], Awaitable[None]]

TASK = "aiops_rca_task"
BATCHED = "/incident"
ALONE = "/incident_alone"
_HEALTHY = b'{"status":"ok"}'
_CODE_OF = {429: "overloaded", 503: "overloaded", 504: "timeout"}
_CODE_OF_PAGE = {404: "not_found", 405: "method_not_allowed", 500: "internal"}
_READING = frozenset({"GET", "HEAD"})
_PAGE_BODY_BYTES = 1024 * 1024  # requests of people are small


class Handler(Protocol):
    """What answers incident requests; see `web.incident.Incidents`."""

    async def accept(self, body: bytes) -> Any:
        """Decode and validate; raises RcaError."""
        ...

    async def finish(self, task: Any, while_connected: Any) -> bytes:
        """The answer's body once the batch has diagnosed the task."""
        ...


class Observer(WebhookObserver, Protocol):
    """Where the edge's figures go."""

    def answered(self, status: int, seconds: float, *, incident: bool) -> None:
        """Count one finished request."""
        ...

    def read_process(self) -> None:
        """Bring the process figures up to date before a scrape."""
        ...


class Edge:
    """Wraps the service (*inner*) and the information pages (*web*).

    *methods_of* gives the methods a page path answers, empty for an unknown path. *receiver* keeps
    webhooks; *before_scrape* brings figures up to date that take a wait.
    """

    def __init__(
        self,
        *,
        inner: App,
        web: App,
        methods_of: Callable[[Scope], frozenset[str]],
        handler: Handler,
        observer: Observer,
        limits: Limits,
        receiver: Receiver,
        before_scrape: Callable[[], Awaitable[None]],
    ) -> None:
        self._inner, self._web, self._methods_of = inner, web, methods_of
        self._handler, self._observer, self._limits = handler, observer, limits
        self._in_flight = 0
        self._budget = ByteBudget(limits.max_bytes_in_flight)
        self._in_batch = 0
        self._before_scrape = before_scrape
        self._webhooks = WebhookDoor(receiver, observer, self._budget, self._body, limits.max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; lifespan events go to the service."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        try:
            await self._route(exchange)
        except RcaError as error:
            await exchange.refuse(error)
        except ClientGoneError:
            exchange.status = CLIENT_GONE
        except Exception:  # the outermost layer: whatever failed inside becomes a counted 500
            log.exception("request failed", extra={"event": {"request_id": exchange.request_id}})
            if exchange.status:
                raise
            await exchange.refuse(RcaError("internal error; see the log", code="internal"))
        finally:
            self._observe(exchange)

    async def _route(self, exchange: Exchange) -> None:
        path, method = exchange.path, exchange.method
        if path == "/incident":
            await self._allow(exchange, frozenset({"POST"}), self._incident)
        elif is_webhook(path):
            await self._allow(exchange, frozenset({"POST"}), self._webhooks.answer)
        elif path == "/healthz":
            await self._allow(exchange, _READING, self._healthy)
        elif path == "/metrics":
            await self._allow(exchange, frozenset({"GET"}), self._metrics)
        else:
            allowed = self._methods_of(exchange.scope)
            if not allowed:
                raise RcaError(f"there is no {method} {path[:200]}", code="not_found")
            await self._allow(exchange, allowed, self._page)

    async def _allow(
        self,
        exchange: Exchange,
        allowed: frozenset[str],
        answer: Callable[[Exchange], Awaitable[None]],
    ) -> None:
        if exchange.method in allowed:
            await answer(exchange)
            return
        names = ", ".join(sorted(allowed))
        error = RcaError(f"use {names}", code="method_not_allowed")
        await exchange.refuse(error, [(b"allow", names.encode())])

    async def _healthy(self, exchange: Exchange) -> None:
        await exchange.reply(200, _HEALTHY)

    async def _metrics(self, exchange: Exchange) -> None:
        self._observer.read_process()
        await self._before_scrape()
        await self._inner(exchange.scope, exchange.receive, exchange.send)

    async def _page(self, exchange: Exchange) -> None:
        """Answer from the pages; what they do not have, or fail at, is refused in the one error shape."""
        missing: list[int] = []

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _CODE_OF_PAGE:
                missing.append(message["status"])
            if not missing:
                await exchange.send(message)

        receive = exchange.receive
        if exchange.method not in _READING:
            receive = after_body(receive, await self._page_body(exchange))
        await self._web(exchange.scope, receive, send)
        if missing:
            code = _CODE_OF_PAGE[missing[0]]
            what = (
                "internal error; see the log" if code == "internal" else f"there is no {exchange.path[:200]}"
            )
            raise RcaError(what, code=code)

    async def _page_body(self, exchange: Exchange) -> bytes:
        with ByteShare(self._budget) as share:
            body = await self._body(exchange, share, min(_PAGE_BODY_BYTES, self._limits.max_body_bytes))
        if body:
            check_type(exchange)
        return body

    async def _incident(self, exchange: Exchange) -> None:
        self._refuse_overload()
        check_type(exchange)
        counted = 0
        try:
            with ByteShare(self._budget) as share:
                body = await self._body(exchange, share)
                self._refuse_overload()  # others may have come while the body did
                counted = 1
                self._in_flight += counted
                task = await self._handler.accept(body)
                del body  # not kept, nor its bytes, while the request may wait for something
            await self._diagnose(exchange, task)
        finally:
            self._in_flight -= counted

    def _refuse_overload(self) -> None:
        # A request counts from the end of its body on: callers that send slowly block nobody.
        if self._in_flight >= self._limits.max_in_flight:
            raise RcaError("too many requests at once", code="overloaded")

    async def _diagnose(self, exchange: Exchange, task: Any) -> None:
        await self._through_batch(exchange, task)
        answer = await self._handler.finish(task, lambda step: while_connected(exchange.receive, step))
        exchange.log_fields = task.log_fields
        await exchange.reply(200, answer)

    async def _body(self, exchange: Exchange, share: ByteShare, limit: int | None = None) -> bytes:
        """The whole body, if it is within *limit* bytes (else that of the settings) and comes in time."""
        seconds = self._limits.request_timeout_sec
        try:
            async with asyncio.timeout(seconds):
                return await read_body(exchange.receive, limit or self._limits.max_body_bytes, share)
        except TimeoutError as error:
            reason = f"the body did not arrive within {seconds:g} s"
            raise RcaError(reason, code="request_timeout", field="body") from error

    async def _through_batch(self, exchange: Exchange, task: Any) -> None:
        """Hand *task* to the service: alone when nobody else is there, else to the adaptive batch.

        The batcher holds a lone request back for company (decision 0004); one that is alone skips it.
        So does a large one, which would make the small ones of its batch wait.
        """
        if task.large:
            await self._call(exchange, ALONE, task)
            return
        path = BATCHED if self._in_batch else ALONE
        self._in_batch += 1
        try:
            await self._call(exchange, path, task)
        finally:
            self._in_batch -= 1

    async def _call(self, exchange: Exchange, path: str, task: Any) -> None:
        seen: list[int] = []

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.append(message["status"])

        state = {**exchange.scope.get("state", {}), TASK: task}
        scope = {**exchange.scope, "path": path, "raw_path": path.encode(), "state": state}
        await self._inner(scope, after_body(exchange.receive), note)
        status = seen[0] if seen else 500
        if status >= 300:
            code = _CODE_OF.get(status, "internal")
            raise RcaError(f"the service refused the request ({status})", code=code)

    def _observe(self, exchange: Exchange) -> None:
        elapsed = exchange.elapsed
        incident = exchange.path == "/incident"
        self._observer.answered(exchange.status, elapsed, incident=incident)
        event = {
            "request_id": exchange.request_id,
            "method": exchange.method,
            "path": redact(exchange.path[:200]),  # some senders can only put their secret there
            "status": exchange.status,
            "duration_ms": round(elapsed * 1000, 2),
            **exchange.log_fields,
        }
        log.info("request", extra={"event": event})
