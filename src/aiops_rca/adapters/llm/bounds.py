"""What of an answer is read at all: so many bytes, and only as they are, not compressed.

A kilobyte of gzip can stand for a megabyte, and a body without an end for all the memory there is. Where the
status says what went wrong, the body only has to end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

MOST_BYTES = 1_000_000  # a hundred times what the longest answer takes
PLAIN = "identity"


class UnreadableError(Exception):
    """An answer that is not read; what it says is safe to show and to log."""


async def bound(response: httpx2.Response) -> None:
    """Bound the body of *response*, which was not read yet; raises UnreadableError, now or while it is."""
    if response.headers.get("content-encoding", PLAIN).strip().lower() not in ("", PLAIN):
        if response.is_success:
            raise UnreadableError("the answer is compressed, which was not asked for")
        del response.headers["content-encoding"]
    if isinstance(response.stream, httpx2.AsyncByteStream):  # always, of a client that is asynchronous
        response.stream = _Bounded(response.stream, matters=response.is_success)


class _Bounded(httpx2.AsyncByteStream):
    """At most MOST_BYTES of *stream*; one that goes on ends there, with an error where it *matters*."""

    def __init__(self, stream: httpx2.AsyncByteStream, *, matters: bool) -> None:
        self._stream = stream
        self._matters = matters

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MOST_BYTES
        async for part in self._stream:
            left -= len(part)
            if left < 0:
                if self._matters:
                    raise UnreadableError("the answer is too long")
                return
            yield part

    async def aclose(self) -> None:
        """Let go of the connection, which is closed where the body goes on."""
        await self._stream.aclose()
