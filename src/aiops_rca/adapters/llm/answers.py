"""Keeps good answers for a while, and lets equal questions that meet share one call.

Whoever waits for a shared call may leave, cancelled or out of time, without ending it for the others; the
last one to leave ends it. Failures are shared but never kept. One instance per event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from cachetools import TTLCache

from aiops_rca.enrich.asking import TIMEOUT, NotAskedError, Reply, StepError


class Answers:
    """At most *entries* answers, each for *seconds*; 0 of either keeps none."""

    def __init__(self, entries: int, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._keeps = entries > 0 and seconds > 0
        self._kept: TTLCache[str, Reply] = TTLCache(max(entries, 1), max(seconds, 1), timer=clock)
        self._flights: dict[str, Flight] = {}

    def kept(self, key: str) -> Reply | None:
        """The answer to this question, if it was given a short time ago."""
        found: Reply | None = self._kept.get(key)
        return found

    def keep(self, key: str, reply: Reply) -> None:
        """Keep an answer that was found good."""
        if self._keeps:
            self._kept[key] = reply

    def under_way(self, key: str) -> Flight | None:
        """The call that is asking this question right now, if any."""
        return self._flights.get(key)

    def start(self, key: str, call: Coroutine[Any, Any, Reply], *, deadline: float) -> Flight:
        """Make *call* the one that asks this question; it must end by *deadline* (loop time) by itself."""
        flight = self._flights[key] = Flight(call, deadline, lambda ended: self._landed(key, ended))
        return flight

    async def close(self) -> None:
        """End all calls."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*(flight.task for flight in flights), return_exceptions=True)

    def _landed(self, key: str, flight: Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


class Flight:
    """One call and those who wait for it."""

    def __init__(
        self, call: Coroutine[Any, Any, Reply], deadline: float, over: Callable[[Flight], None]
    ) -> None:
        self.task = asyncio.get_running_loop().create_task(call)
        self.task.add_done_callback(self._done)
        self.deadline = deadline  # loop time
        self._over = over
        self._waiting = 0

    def cancel(self) -> None:
        """End the call; whoever asks the same from now on starts another."""
        self._over(self)
        self.task.cancel()

    async def wait(self, deadline: float) -> Reply:
        """The answer of the call, or its failure: a StepError or NotAskedError of one's own."""
        loop = asyncio.get_running_loop()
        earlier = deadline < self.deadline  # else the call's own end comes first, and is told as what it was
        self._waiting += 1
        try:
            await asyncio.wait({self.task}, timeout=max(deadline - loop.time(), 0) if earlier else None)
        finally:
            self._waiting -= 1
            if not self._waiting and not self.task.done():
                self.cancel()
        return self._outcome()

    def _outcome(self) -> Reply:
        if not self.task.done() or self.task.cancelled():
            raise StepError(TIMEOUT, "no answer in the time that was left")
        error = self.task.exception()
        if isinstance(error, StepError):
            raise StepError(error.reason, error.detail)
        if isinstance(error, NotAskedError):
            raise NotAskedError(error.reason, error.detail)
        return self.task.result()

    def _done(self, task: asyncio.Task[Reply]) -> None:
        self._over(self)
        if not task.cancelled():
            task.exception()  # seen: nobody may be left to hear of it
