"""Coroutines run beside the loop of the correlator, on an event loop of a thread of its own.

The thread begins with the first one. Whoever begins one is never kept waiting.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
_LAST_WORDS_SEC = 2.0


class Calls:
    """What is under way, until `close`."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread: threading.Thread | None = None

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run *work*; cancelling what is returned cancels it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop or self._open())

    def close(self) -> None:
        """Cancel everything and end the thread; it is waited for, but not long."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._loop = self._thread = None
        loop.call_soon_threadsafe(self._stop.set)
        thread.join(_LAST_WORDS_SEC)

    def _open(self) -> asyncio.AbstractEventLoop:
        self._loop, self._stop = asyncio.new_event_loop(), asyncio.Event()
        self._thread = threading.Thread(
            target=_run, args=(self._loop, self._stop), name="narrating", daemon=True
        )
        self._thread.start()
        return self._loop


def _run(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:  # its end cancels what still runs
        runner.run(_stopped(stop))


async def _stopped(stop: asyncio.Event) -> None:
    await stop.wait()
