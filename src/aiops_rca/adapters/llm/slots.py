"""How many calls may be under way at once, and how many may wait for that.

A queue without an end would hold everybody up behind a provider that hangs: who finds it full, or would come
out of it too late for an answer, is told so. One instance per event loop.
"""

from __future__ import annotations

import asyncio

from aiops_rca.enrich.asking import BUSY, NotAskedError

QUEUE = 2  # for each call under way so many may wait for their turn


class Slots:
    """Room for *at_once* calls."""

    def __init__(self, at_once: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most = QUEUE * at_once
        self._queued = 0

    async def take(self, until: float) -> None:
        """Wait for a slot, at most *until* a time of the loop; raises NotAskedError, "busy", without one."""
        if self._free.locked() and self._queued >= self._most:
            raise NotAskedError(BUSY, "too many other calls wait already")
        self._queued += 1
        try:
            async with asyncio.timeout_at(until):
                await self._free.acquire()
        except TimeoutError:
            raise NotAskedError(BUSY, "too many other calls were under way") from None
        finally:
            self._queued -= 1

    def release(self) -> None:
        """Give a slot back."""
        self._free.release()
