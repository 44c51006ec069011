"""`GET /stream`: one server-sent event per changed incident, from where the listener left off.

One look at the store serves all listeners; a listener that is slow falls back on the store and delays nobody.
An event's id is the incident's revision, so Last-Event-ID resumes without a gap.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Annotated, Any, NamedTuple

from fastapi import FastAPI, Header, Response
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from aiops_rca.domain.errors import RcaError
from aiops_rca.live.rows import IncidentRow
from aiops_rca.web import views
from aiops_rca.web.asking import Incidents, refusals
from aiops_rca.wire import encode

POLL_SEC = 0.25
HEARTBEAT_SEC = 15.0  # proxies close what is silent for a minute
SEND_SEC = 30.0  # for a listener to take what it is sent, or lose its seat
_KEPT = 1000  # of the newest events, for all listeners
_AT_ONCE = 200
_RETRY = b"retry: 2000\n\n"
_HEARTBEAT = b": alive\n\n"

log = logging.getLogger("aiops_rca.stream")


class _Event(NamedTuple):
    revision: int
    data: bytes


class Streams:
    """The listeners of one process; looks into the store only while there are any.

    *count* is told how many there are whenever that changes.
    """

    def __init__(
        self,
        incidents: Incidents,
        *,
        most: int,
        count: Callable[[int], None],
        poll_sec: float = POLL_SEC,
        heartbeat_sec: float = HEARTBEAT_SEC,
        send_sec: float = SEND_SEC,
    ) -> None:
        self._incidents, self._most, self._count = incidents, most, count
        self._poll_sec, self._heartbeat_sec = poll_sec, heartbeat_sec
        self.send_sec = send_sec
        self._listeners = 0
        self._closed = False
        self._changed = asyncio.Event()
        self._newest: deque[_Event] = deque(maxlen=_KEPT)
        self._looked_upto = 0
        self._watch: asyncio.Task[None] | None = None

    def close(self) -> None:
        """End every stream now and refuse new ones; called from the event loop."""
        self._closed = True
        self._wake()

    @contextmanager
    def seat(self) -> Iterator[None]:
        """A place for one listener; raises RcaError when all are taken or the service is stopping."""
        if self._closed or self._listeners >= self._most:
            raise RcaError("too many streams at once", code="overloaded")
        self._listeners += 1
        self._count(self._listeners)
        try:
            yield
        finally:
            self._listeners -= 1
            self._count(self._listeners)
            if not self._listeners and self._watch is not None:
                self._watch.cancel()
                self._watch = None

    async def start(self, after: int | None) -> int:
        """The revision a listener begins behind: where it left off, or now.

        One that comes from before the incidents were built anew is told all of them.
        """
        revision = (await run_in_threadpool(self._incidents.standing)).revision
        return revision if after is None else after if after <= revision else 0

    async def told(self, after: int) -> AsyncIterator[bytes]:
        """The bytes of one stream behind the revision *after*; for who has a seat.

        It ends at `close`, and when looking into the store has failed: the listener then comes again.
        """
        if self._watch is None:
            self._newest.clear()
            self._looked_upto = after
            self._watch = asyncio.get_running_loop().create_task(self._look())
            self._watch.add_done_callback(self._looked)
        watch = self._watch
        yield _RETRY
        while not self._closed and self._watch is watch:
            changed = self._changed
            events = await self._since(after)
            if events:
                after = events[-1].revision
                yield b"".join(event.data for event in events)
            elif not await _within(changed.wait(), self._heartbeat_sec):
                yield _HEARTBEAT

    async def _since(self, after: int) -> list[_Event]:
        """What came after the revision *after*: of the newest events if they reach so far back."""
        if after >= self._looked_upto:
            return []
        if self._newest and self._newest[0].revision <= after + 1:
            return [event for event in self._newest if event.revision > after][:_AT_ONCE]
        return [_event(row) for row in await run_in_threadpool(self._incidents.changed, after, _AT_ONCE)]

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _look(self) -> None:
        """Look for what changed, again and again; a store that fails is asked again later."""
        while True:
            try:
                rows = await run_in_threadpool(self._incidents.changed, self._looked_upto, _AT_ONCE)
            except RcaError as error:
                log.warning("stream: %s", error.message)
                rows = ()
            if rows:
                self._newest.extend(_event(row) for row in rows)
                self._looked_upto = rows[-1].revision
                self._wake()
            if len(rows) < _AT_ONCE:
                await asyncio.sleep(self._poll_sec)

    def _looked(self, watch: asyncio.Task[None]) -> None:
        """End the streams that nobody looks for any more; the next listener has it done anew."""
        if watch.cancelled():
            return
        log.error("stream: looking for changes failed", exc_info=watch.exception())
        if self._watch is watch:
            self._watch = None
            self._wake()


class _Stream(Response):
    """A response that goes on until its listener hangs up or the streams are closed."""

    media_type = "text/event-stream"

    def __init__(self, streams: Streams, after: int | None) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._streams, self._after = streams, after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        with self._streams.seat():
            after = await self._streams.start(self._after)
            sending = asyncio.ensure_future(self._send_all(after, send))
            gone = asyncio.ensure_future(_hung_up(receive))
            try:
                await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
            finally:
                for task in (sending, gone):
                    task.cancel()
                await asyncio.gather(sending, gone, return_exceptions=True)

    async def _send_all(self, after: int, send: Send) -> None:
        headers = self.raw_headers
        start = {"type": "http.response.start", "status": self.status_code, "headers": headers}
        taken = await self._taken(send, start)
        try:
            async for chunk in self._streams.told(after):
                body = {"type": "http.response.body", "body": chunk, "more_body": True}
                if not (taken and await self._taken(send, body)):
                    log.info("stream ended: its listener does not read")
                    return
        except RcaError as error:  # the listener comes again, and is told from where it left off
            log.warning("stream ended: %s", error.message)
        await self._taken(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _taken(self, send: Send, message: Message) -> bool:
        return await _within(send(message), self._streams.send_sec)


class StreamPages:
    """`/stream`."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def add_to(self, app: FastAPI) -> None:
        """Add the route."""
        events = {"description": "Events named `incident`, each an IncidentItem", "content": _CONTENT}
        app.get(
            "/stream",
            status_code=200,
            responses={200: events, **refusals(422)},
            response_class=_Stream,
            tags=["incidents"],
        )(self.stream)

    async def stream(
        self, last_event_id: Annotated[int | None, Header(ge=0, le=2**63 - 1)] = None
    ) -> Response:
        """Every change of an incident as it happens, as server-sent events; Last-Event-ID resumes."""
        return _Stream(self._streams, last_event_id)


_CONTENT = {"text/event-stream": {"schema": {"type": "string"}}}


def _event(row: IncidentRow) -> _Event:
    data = b"event: incident\nid: %d\ndata: %b\n\n" % (row.revision, encode(views.item(row)))
    return _Event(row.revision, data)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _within(waiting: Awaitable[object], seconds: float) -> bool:
    """Whether what is waited for came within *seconds*."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await waiting
            return True
    return False


def close_on_signal(close: Callable[[], None]) -> None:
    """Call *close* when the process is asked to end; what handled the signal before still does.

    Else the server would wait for listeners that never go. Call it in the main thread, on the running loop.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def closing(got: int, frame: FrameType | None, before: Any = before) -> None:
            loop.call_soon_threadsafe(close)
            if callable(before):
                before(got, frame)

        signal.signal(number, closing)
