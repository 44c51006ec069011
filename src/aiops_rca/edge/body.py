"""Reading a request's body within limits, and noticing when the caller hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Self, TypeVar

from aiops_rca.domain.errors import RcaError
from aiops_rca.edge.exchange import JSON, Exchange, Message, Receive

T = TypeVar("T")


class ClientGoneError(Exception):
    """The caller hung up before the answer was ready."""


def check_type(exchange: Exchange) -> None:
    """Refuse a body that says it is not plain JSON; one that says nothing is read as JSON."""
    kind = exchange.headers.get(b"content-type", JSON).split(b";")[0].strip().lower()
    if kind != JSON and not (kind.startswith(b"application/") and kind.endswith(b"+json")):
        raise RcaError("send application/json", code="unsupported_media_type", field="content-type")
    if exchange.headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise RcaError("send the body uncompressed", code="unsupported_media_type", field="content-encoding")


class ByteBudget:
    """How many bytes of bodies may be held at once, in all requests together."""

    def __init__(self, limit: int) -> None:
        self.left = limit


class ByteShare:
    """What one request holds of a budget; given back when its block ends."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._budget.left += self._held

    def take(self, count: int) -> None:
        """Hold *count* more bytes; raises RcaError when the budget has fewer."""
        if count > self._budget.left:
            raise RcaError("too many bytes at once", code="overloaded")
        self._budget.left -= count
        self._held += count


async def read_body(receive: Receive, limit: int, share: ByteShare) -> bytes:
    """Read a body of up to *limit* bytes, held in *share*.

    What is beyond is read and dropped, so that the sender, who reads answers only after sending,
    sees the refusal and not a broken connection.
    """
    chunks: list[bytes] = []
    size = 0
    more = True
    while more and size <= 4 * limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= limit:
            share.take(len(chunk))
            chunks.append(chunk)
        more = message.get("more_body", False)
    if size > limit:
        raise RcaError(f"the body is larger than {limit} bytes", code="too_large", field="body")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def after_body(receive: Receive, body: bytes = b"") -> Receive:
    """The receive channel of a request whose body was already read: *body*, then as *receive*."""
    told = False

    async def rest() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return rest


async def while_connected(receive: Receive, step: Awaitable[T]) -> T:
    """Await *step*; cancel it and raise ClientGoneError when the caller hangs up first."""
    work = asyncio.ensure_future(step)
    gone = asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise ClientGoneError
    finally:
        for future in (work, gone):
            future.cancel()
        await asyncio.gather(work, gone, return_exceptions=True)


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
