"""The step after the batch: the first clusters of an answer are put into words, all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from aiops_rca.domain.diagnosis import GRAPH_ONLY, SKIPPED, Diagnosis
from aiops_rca.domain.release import Release
from aiops_rca.enrich.asking import BUSY, EMPTY, PART, TOO_MANY
from aiops_rca.enrich.gate import method_of
from aiops_rca.enrich.outcome import Outcome
from aiops_rca.web.incident import Diagnoses, Task
from aiops_rca.wire import DegradedOut


class Narrates(Protocol):
    """Who puts diagnoses into words; see `narrator.step`."""

    def closed(self) -> str | None:
        """Why nobody at all is asked now."""
        ...

    def refusal(self, diagnosis: Diagnosis) -> str | None:
        """Why nobody would be asked about this one now."""
        ...

    def skipped(self, reason: str, count: int = 1) -> None:
        """Count those about which nobody was asked."""
        ...

    async def narrate(
        self, diagnosis: Diagnosis, release: Release, *, target: str | None, deadline: float | None
    ) -> Outcome:
        """Never raises but for cancellation."""
        ...


class Enriching:
    """Asks about the first *most* clusters, the primary one among them, within *seconds* for all of them."""

    def __init__(self, narrator: Narrates, *, most: int, seconds: float) -> None:
        self._narrator, self._most, self._seconds = narrator, most, seconds
        self._closing = False
        self._under_way: set[asyncio.Future[list[Outcome]]] = set()

    def close(self) -> None:
        """Let everybody who waits have the graph's answer, now and from now on."""
        self._closing = True
        for one in tuple(self._under_way):
            one.cancel()

    def prepare(self, task: Task, diagnoses: Diagnoses) -> bool:
        """Say in *task* how its diagnoses came about; False when nothing has to be waited for."""
        reason = (
            self._narrator.closed() or (None if diagnoses else EMPTY) or (BUSY if self._closing else None)
        )
        if reason is not None:
            task.method = method_of(reason)
            self._narrator.skipped(reason, max(len(diagnoses), 1))
            return False
        task.method = SKIPPED  # of those beyond the first
        self._narrator.skipped(TOO_MANY, max(len(diagnoses) - self._most, 0))
        first = [self._settled(diagnosis) for diagnosis in diagnoses[: self._most]]
        task.diagnoses = (*first, *diagnoses[self._most :])
        return any(diagnosis.method == GRAPH_ONLY for diagnosis in first)

    async def __call__(self, task: Task, diagnoses: Diagnoses) -> Diagnoses:
        """*diagnoses*, those put into words that are worth it; the order is kept."""
        deadline = asyncio.get_running_loop().time() + self._seconds
        first = diagnoses[: self._most]
        gathered = asyncio.gather(*(self._outcome(task, diagnosis, deadline) for diagnosis in first))
        outcomes = await self._ended(gathered) or [_unasked(diagnosis) for diagnosis in first]
        task.degraded = _troubles(outcomes)
        return (*(outcome.diagnosis for outcome in outcomes), *diagnoses[self._most :])

    async def _ended(self, gathered: asyncio.Future[list[Outcome]]) -> list[Outcome] | None:
        """What comes of *gathered*; None where it was `close` that ended it."""
        self._under_way.add(gathered)
        try:
            return await gathered
        except asyncio.CancelledError:
            own = asyncio.current_task()
            if not self._closing or (own is not None and own.cancelling()):
                raise
            return None
        finally:
            self._under_way.discard(gathered)

    def _settled(self, diagnosis: Diagnosis) -> Diagnosis:
        """*diagnosis* with its method, where it is certain that nobody is asked."""
        reason = self._narrator.refusal(diagnosis)
        if reason is None:
            return diagnosis
        self._narrator.skipped(reason)
        return replace(diagnosis, method=method_of(reason))

    async def _outcome(self, task: Task, diagnosis: Diagnosis, deadline: float) -> Outcome:
        if diagnosis.method != GRAPH_ONLY:
            return Outcome(diagnosis)
        return await self._narrator.narrate(diagnosis, task.release, target=task.target, deadline=deadline)


def _unasked(diagnosis: Diagnosis) -> Outcome:
    return Outcome(replace(diagnosis, method=method_of(BUSY)), f"{BUSY}: the service is about to end")


def _troubles(outcomes: Sequence[Outcome]) -> tuple[DegradedOut, ...]:
    """What went wrong, each thing said once."""
    said = dict.fromkeys(outcome.trouble for outcome in outcomes if outcome.trouble)
    return tuple(DegradedOut(PART, trouble) for trouble in said)
