"""Coroutines run beside the loop of the correlator, on an event loop of a thread of its own.

The thread begins with the first one. Whoever begins one is never kept waiting.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
_LAST_WORDS_SEC = 2.0


Closing = Callable[[], Coroutine[Any, Any, None]]


async def nothing_to_close() -> None:
    """The closing of what leaves nothing open."""


class Calls:
    """What is under way, until `close`; *closing* is the last thing that the thread does."""

    def __init__(self, closing: Closing = nothing_to_close) -> None:
        self._closing = closing
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread: threading.Thread | None = None

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run *work*; cancelling what is returned cancels it."""
        try:
            loop = self._loop or self._open()
        except RuntimeError:  # no thread could be started
            work.close()
            raise
        return asyncio.run_coroutine_threadsafe(work, loop)

    def close(self) -> None:
        """Cancel everything and end the thread; it is waited for, but not long."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._loop = self._thread = None
        loop.call_soon_threadsafe(self._stop.set)
        thread.join(_LAST_WORDS_SEC)

    def _open(self) -> asyncio.AbstractEventLoop:
        loop, stop = asyncio.new_event_loop(), asyncio.Event()
        thread = threading.Thread(
            target=_run, args=(loop, stop, self._closing), name="narrating", daemon=True
        )
        thread.start()
        self._loop, self._stop, self._thread = loop, stop, thread
        return loop


def _run(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, closing: Closing) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(_until(stop, closing))


async def _until(stop: asyncio.Event, closing: Closing) -> None:
    await stop.wait()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await closing()
