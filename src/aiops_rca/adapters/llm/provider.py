"""Asks the provider and checks the answer, within a deadline, at a bounded cost.

cache and shared calls -> breaker -> budget -> slot -> at most two attempts -> check. What goes wrong comes
out as StepError or NotAskedError, at once where asking is known to be in vain. One per event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from aiops_rca.adapters.llm.answers import Answers
from aiops_rca.adapters.llm.breaker import CLOSED, OPEN, PROBE, REFUSE, Breaker
from aiops_rca.adapters.llm.budget import Booking, Budget
from aiops_rca.adapters.llm.client import Client
from aiops_rca.adapters.llm.faults import Fault
from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.domain.narrative import Usage
from aiops_rca.enrich.asking import (
    CIRCUIT_OPEN,
    CLIENT_ERROR,
    PARSE_ERROR,
    TIMEOUT,
    NotAskedError,
    Reply,
    Request,
    StepError,
)
from aiops_rca.settings import Llm

PAUSE_SEC = 0.25  # before a second attempt, where the provider names no time
LONGEST_PAUSE_SEC = 2.0
LEAST_SEC = 2.5  # about what an answer takes: with less left an attempt is not worth its cost
_LEAST_SHARE = 0.3  # the same where the configured time is short, as a share of it
_FAIR_SHARE = 0.5  # of that time an attempt must have had for its timeout to be held against the provider

log = logging.getLogger("aiops_rca.llm")

Check = Callable[[Reply], object]
Cost = Callable[[Usage], float | None]


class Provider:
    """*cost* says what a usage costs in US dollars, None where nobody knows; *clock* counts seconds.

    Raises InputError where the settings hold no key, or no address that can be used.
    """

    def __init__(
        self, settings: Llm, metrics: LlmMetrics, cost: Cost, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = Client(settings)
        self._metrics = metrics
        self._cost = cost
        self._timeout_s = settings.timeout_s
        self._least = min(LEAST_SEC, settings.timeout_s * _LEAST_SHARE)
        self._answers = Answers(settings.cache_entries, settings.cache_sec, clock=clock)
        self._breaker = Breaker(self._moved, clock=clock)
        self._budget = Budget(settings, clock=clock)
        self._slots = asyncio.Semaphore(settings.max_in_flight)
        self._probe: asyncio.Task[None] | None = None

    async def ask(self, request: Request, check: Check, *, deadline: float) -> Reply:
        """The provider's answer to *request*, by *deadline* (loop time).

        *check* raises StepError on an answer that is of no use: such a one is not kept. Raises StepError with
        one of FAILURES and NotAskedError with one of BUDGETS.
        """
        if (kept := self._answers.kept(request.key)) is not None:
            self._metrics.hit("stored")
            return kept
        if (flight := self._answers.under_way(request.key)) is not None:
            self._metrics.hit("shared")
            return await flight.wait(deadline)
        job = _Job(request, check, deadline)
        self._admit(job)
        return await self._answers.start(request.key, self._call(job), deadline=deadline).wait(deadline)

    async def close(self) -> None:
        """End what is under way and close all connections."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self._answers.close()
        await self._client.close()

    def _admit(self, job: _Job) -> None:
        """Turn the asker away while the breaker is open; its question may still serve as a probe."""
        admitted = self._breaker.admit()
        if admitted == PROBE:
            probe = job._replace(deadline=_now() + self._timeout_s, probe=True)
            self._probe = asyncio.get_running_loop().create_task(self._try(probe))
        if admitted in (PROBE, REFUSE):
            raise StepError(CIRCUIT_OPEN, f"not asked for a while after {self._breaker.why}")

    async def _try(self, job: _Job) -> None:
        """Send a probe; nobody waits for it."""
        try:
            await self._call(job)
        except NotAskedError:
            return
        except StepError as error:
            log.info("the language model still does not answer", extra={"event": {"reason": error.reason}})
        finally:
            self._breaker.let_go()  # where it never got as far as the provider

    async def _call(self, job: _Job) -> Reply:
        booking = self._budget.book(job.request.tokens)
        await self._take_slot(job, booking)
        try:
            reply = await self._attempts(job, booking)
        finally:
            self._slots.release()
        job.check(reply)
        self._answers.keep(job.request.key, reply)
        return reply

    async def _take_slot(self, job: _Job, booking: Booking) -> None:
        taken = False
        try:
            async with asyncio.timeout_at(job.deadline):
                taken = await self._slots.acquire()
        except TimeoutError:
            pass
        finally:
            if not taken:
                self._budget.undo(booking)
        if not taken:
            raise StepError(TIMEOUT, "too many other calls were under way")

    async def _attempts(self, job: _Job, booking: Booking) -> Reply:
        outcome = await self._attempt(job, booking)
        pause = self._pause(outcome, job) if isinstance(outcome, Fault) else None
        if pause is not None:
            await asyncio.sleep(pause)
            outcome = await self._second(job) or outcome
        if isinstance(outcome, Fault):
            raise StepError(outcome.reason, outcome.detail)
        return outcome

    async def _second(self, job: _Job) -> Reply | Fault | None:
        """Another attempt, if it is still worth one."""
        if self._breaker.state != CLOSED:
            return None
        try:
            booking = self._budget.book(job.request.tokens)
        except NotAskedError:
            return None
        return await self._attempt(job, booking)

    async def _attempt(self, job: _Job, booking: Booking) -> Reply | Fault:
        left = job.deadline - _now()
        if left <= 0 or left < self._least:
            self._budget.undo(booking)
            return Fault(TIMEOUT, "too little time was left for a call", sent=False)
        self._metrics.requested()
        began = _now()
        outcome = await self._client.send(job.request.body, left)  # cancelled: the booking stands as it is
        self._metrics.took(_now() - began)
        self._settle(outcome, booking)
        self._weigh(outcome, job, fair=left >= self._timeout_s * _FAIR_SHARE)
        return outcome

    def _settle(self, outcome: Reply | Fault, booking: Booking) -> None:
        if isinstance(outcome, Reply):
            self._budget.settle(booking, outcome.usage.total)
            self._metrics.tokens(outcome.usage, self._cost(outcome.usage))
        elif not outcome.sent:
            self._budget.settle(booking, 0)

    def _weigh(self, outcome: Reply | Fault, job: _Job, *, fair: bool) -> None:
        """Let the breaker know."""
        if isinstance(outcome, Reply) or outcome.reason == PARSE_ERROR:
            self._breaker.answered(probe=job.probe)
            return
        what = {"reason": outcome.reason, "detail": outcome.detail}
        if outcome.reason == CLIENT_ERROR:
            log.error("the provider of the language model refused a request", extra={"event": what})
        if outcome.reason == CLIENT_ERROR and not outcome.lasting:
            self._breaker.answered(probe=job.probe)
        elif fair or outcome.reason != TIMEOUT:
            self._held_against(outcome, job)

    def _held_against(self, fault: Fault, job: _Job) -> None:
        before = self._breaker.state
        why = f"{fault.reason} ({fault.detail})"
        self._breaker.failed(why, at_once=fault.lasting, probe=job.probe)
        if before == CLOSED and self._breaker.state == OPEN:
            log.warning("the language model is not asked for a while", extra={"event": {"after": why}})

    def _pause(self, fault: Fault, job: _Job) -> float | None:
        """How long to wait before another attempt; None: there is to be none."""
        if not fault.again or self._breaker.state != CLOSED:  # as it is after a probe that failed
            return None
        pause = PAUSE_SEC if fault.wait is None else fault.wait
        fits = pause <= LONGEST_PAUSE_SEC and pause + self._least <= job.deadline - _now()
        return pause if fits else None

    def _moved(self, state: str) -> None:
        self._metrics.breaker(state)
        if state == CLOSED:
            log.info("the language model answers again")


class _Job(NamedTuple):
    """One question under way."""

    request: Request
    check: Check
    deadline: float
    probe: bool = False


def _now() -> float:
    return asyncio.get_running_loop().time()
