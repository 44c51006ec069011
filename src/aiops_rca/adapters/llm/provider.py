"""Asks the provider and checks the answer, within a deadline, at a bounded cost.

cache and shared calls -> breaker -> budget -> slot -> at most two attempts -> check. What goes wrong comes
out as StepError or NotAskedError, at once where asking is known to be in vain, and whoever waits takes one of
a bounded number of places. One per event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from aiops_rca.adapters.llm.answers import Answers
from aiops_rca.adapters.llm.breaker import CLOSED, OPEN, PROBE, PROBING, REFUSE, Breaker
from aiops_rca.adapters.llm.budget import Booking, Budget
from aiops_rca.adapters.llm.client import Client
from aiops_rca.adapters.llm.faults import Fault
from aiops_rca.adapters.llm.slots import Slots
from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.domain.narrative import Usage
from aiops_rca.enrich.asking import (
    BUSY,
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
_WAITING = 16  # for each call at once so many may wait for an answer, sharers of one question included
_SLACK_SEC = 0.05  # by which a call may end before its time is over
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
        self._slots = Slots(settings.max_in_flight)
        self._waiting, self._most_waiting = 0, _WAITING * settings.max_in_flight
        self._probe: asyncio.Task[None] | None = None

    async def ask(self, request: Request, check: Check, *, deadline: float) -> Reply:
        """The provider's answer to *request*, by *deadline* (loop time).

        *check* raises StepError on an answer that is of no use: such a one is not kept. Raises StepError with
        one of FAILURES, and NotAskedError with one of BUDGETS or BUSY.
        """
        if (kept := self._answers.kept(request.key)) is not None:
            self._metrics.hit("stored")
            return kept
        if self._waiting >= self._most_waiting:
            raise NotAskedError(BUSY, "too many others wait already")
        self._waiting += 1
        try:
            return await self._answer(_Job(request, check, deadline))
        finally:
            self._waiting -= 1

    def closed(self) -> StepError | NotAskedError | None:
        """Why asking anything new would be in vain just now; costs and changes nothing."""
        return self._turned_away() if self._breaker.is_refusing() else self._budget.spent()

    async def close(self) -> None:
        """End what is under way and close all connections."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self._answers.close()
        await self._client.close()

    async def _answer(self, job: _Job) -> Reply:
        """The answer to an equal question that is under way, or to this one."""
        key = job.request.key
        while (flight := self._answers.under_way(key)) is not None:
            try:
                reply = await flight.wait(job.deadline)
            except (StepError, NotAskedError) as error:
                if not self._outlives(job, flight.deadline, error.reason):
                    raise
            else:
                self._metrics.hit("shared")
                return reply
        self._admit(job)
        return await self._answers.start(key, self._call(job), deadline=job.deadline).wait(job.deadline)

    def _outlives(self, job: _Job, deadline: float, reason: str) -> bool:
        """Whether a call ended because its first asker had no time left, and *job* has some."""
        late = _now() >= deadline - self._least - _SLACK_SEC
        return reason in (TIMEOUT, BUSY) and late and job.deadline - _now() >= self._least

    def _turned_away(self) -> StepError:
        return StepError(CIRCUIT_OPEN, f"not asked for a while after {self._breaker.why}")

    def _admit(self, job: _Job) -> None:
        """Turn the asker away while the breaker is open; its question may still serve as a probe."""
        admitted = self._breaker.admit()
        if admitted == PROBE:
            probe = job._replace(deadline=_now() + self._timeout_s, probe=True)
            self._probe = asyncio.get_running_loop().create_task(self._try(probe))
        if admitted in (PROBE, REFUSE):
            raise self._turned_away()

    async def _try(self, job: _Job) -> None:
        """Send a probe; nobody waits for it."""
        try:
            await self._call(job)
        except NotAskedError:
            return
        except StepError as error:
            log.info("the language model still does not answer", extra={"event": {"reason": error.reason}})
        except Exception:  # a fault of ours: nobody waits for the probe, and it must be seen
            log.exception("the probe failed")
            if self._breaker.state == PROBING:  # else each asker would send another one
                self._breaker.failed("a fault of the service", probe=True)
        finally:
            self._breaker.let_go()  # where it never got as far as the provider

    async def _call(self, job: _Job) -> Reply:
        booking = self._budget.book(job.request.tokens)
        try:
            await self._slots.take(job.deadline - self._least)
        except (NotAskedError, asyncio.CancelledError):
            self._budget.undo(booking)
            raise
        try:
            reply = await self._attempts(job, booking)
        finally:
            self._slots.release()
        job.check(reply)
        self._answers.keep(job.request.key, reply)
        return reply

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
            return await self._attempt(job, self._budget.book(job.request.tokens))
        except NotAskedError:
            return None

    async def _attempt(self, job: _Job, booking: Booking) -> Reply | Fault:
        left = job.deadline - _now()
        if left < self._least:
            self._budget.undo(booking)
            raise NotAskedError(BUSY, "too little time was left for a call")
        self._metrics.requested()
        began = _now()
        outcome = await self._client.send(job.request.body, left)  # cancelled: the booking stands as it is
        self._metrics.took(_now() - began)
        self._settle(outcome, booking)
        self._weigh(outcome, job, fair=left >= self._timeout_s * _FAIR_SHARE)
        return outcome

    def _settle(self, outcome: Reply | Fault, booking: Booking) -> None:
        if isinstance(outcome, Reply):
            if outcome.usage.total:  # else nobody knows, and what was set aside stands
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
