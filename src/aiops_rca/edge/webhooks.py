"""The way of a webhook through the edge: which source, its body within limits, unpacked, and the answer.

Senders do not read 4xx: whatever may pass later is 503, never 429.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from aiops_rca.domain.errors import RcaError
from aiops_rca.edge.body import ByteBudget, ByteShare
from aiops_rca.edge.exchange import Exchange
from aiops_rca.wire import encode
from aiops_rca.wire.live import AcceptedOut

PATH = "/webhooks"
_PACKED = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # zlib's windowBits; 47 finds out by itself


class Receipt(Protocol):
    """The answer to one webhook; see `web.webhooks.Receipt`."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def source(self) -> str:
        """The source the body was found to be of; one of a known few."""
        ...

    @property
    def outcome(self) -> AcceptedOut:
        """What became of the alerts."""
        ...


class Receiver(Protocol):
    """What keeps webhooks; see `web.webhooks.Webhooks`."""

    def expect(self, source: str | None) -> str:
        """The metric label of *source*; raises RcaError "not_found"."""
        ...

    async def receive(self, source: str | None, headers: Mapping[str, str], body: bytes) -> Receipt:
        """Keep what *body* holds; raises RcaError."""
        ...


class Observer(Protocol):
    """Where the figures of webhooks go."""

    def webhook(self, source: str, status: int, seconds: float) -> None:
        """Count one finished webhook request; *source* is one of a known few."""
        ...


ReadBody = Callable[[Exchange, ByteShare], Awaitable[bytes]]


class WebhookDoor:
    """Answers `POST /webhooks` and `POST /webhooks/<source>`."""

    def __init__(
        self, receiver: Receiver, observer: Observer, budget: ByteBudget, read: ReadBody, max_bytes: int
    ) -> None:
        self._receiver, self._observer, self._budget = receiver, observer, budget
        self._read, self._max_bytes = read, max_bytes

    async def answer(self, exchange: Exchange) -> None:
        """Receive one webhook and answer what became of it; count it whatever happens."""
        source = exchange.path.removeprefix(PATH).strip("/") or None
        label = "unknown"
        try:
            label = self._receiver.expect(source)
            with ByteShare(self._budget) as share:
                body = await self._body(exchange, share)
                receipt = await self._receiver.receive(source, _headers(exchange), body)
            label = receipt.source
            exchange.log_fields = _said(receipt)
            await exchange.reply(receipt.status, encode(receipt.outcome))
        except RcaError as error:
            await exchange.refuse(error)
        finally:
            self._observer.webhook(label, exchange.status, exchange.elapsed)

    async def _body(self, exchange: Exchange, share: ByteShare) -> bytes:
        packing = exchange.headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
        if packing in {"", "identity"}:
            return await self._read(exchange, share)
        if packing not in _PACKED:
            raise RcaError(
                "send the body plain or with gzip", code="unsupported_media_type", field="content-encoding"
            )
        packed = await self._read(exchange, share)
        body = await asyncio.to_thread(unpack, packed, _PACKED[packing], self._max_bytes)
        share.take(len(body))
        return body


def is_webhook(path: str) -> bool:
    """Tell whether *path* is that of a webhook: `/webhooks`, or one name below it."""
    return path == PATH or (path.startswith(f"{PATH}/") and "/" not in path[len(PATH) + 1 :].rstrip("/"))


def unpack(body: bytes, window_bits: int, limit: int) -> bytes:
    """Undo gzip or deflate; raises RcaError where that fails, or gives more than *limit* bytes."""
    packed = zlib.decompressobj(window_bits)
    try:
        plain = packed.decompress(body, limit + 1)
    except zlib.error as error:
        raise RcaError(f"not what content-encoding says: {error}", code="invalid", field="body") from error
    if len(plain) > limit:
        raise RcaError(f"the body is larger than {limit} bytes", code="too_large", field="body")
    if not packed.eof:
        raise RcaError("the compressed body is cut off", code="invalid", field="body")
    return plain


def _headers(exchange: Exchange) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in exchange.headers.items()}


def _said(receipt: Receipt) -> dict[str, object]:
    outcome = receipt.outcome
    return {
        "source": receipt.source,
        "accepted": outcome.accepted,
        "duplicates": outcome.duplicates,
        "quarantined": outcome.quarantined,
    }
