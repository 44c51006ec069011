"""One diagnosis on its way to being put into words: who does it, when it is time, and what came of it."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from aiops_rca.correlator.documenting import Frame
from aiops_rca.domain.diagnosis import Diagnosis
from aiops_rca.domain.release import Release
from aiops_rca.enrich.asking import CLIENT_ERROR, OUR_FAULT
from aiops_rca.enrich.outcome import Outcome
from aiops_rca.live.records import DiagnosisRecord

log = logging.getLogger("aiops_rca.narrating")

FAULT = f"{CLIENT_ERROR}: {OUR_FAULT}"


class Narrator(Protocol):
    """Who puts diagnoses into words; see `narrator.step`."""

    def closed(self) -> str | None:
        """Why nobody at all is asked now: a reason of `asking.SKIPS`. Cheap, from any thread."""
        ...

    def refusal(self, diagnosis: Diagnosis) -> str | None:
        """Why nobody would be asked about it now: a reason of `asking.SKIPS`. Cheap, from any thread."""
        ...

    def skipped(self, reason: str) -> None:
        """Count one about which nobody is asked."""
        ...

    def failed(self, reason: str) -> None:
        """Count one that failed outside of `narrate`."""
        ...

    def narrate(
        self, diagnosis: Diagnosis, release: Release, *, summaries: Mapping[str, str]
    ) -> Coroutine[Any, Any, Outcome]:
        """What comes of the attempt; *summaries* are what senders wrote of alerts, by alert id."""
        ...


class Timing(NamedTuple):
    """When an incident is put into words, in milliseconds.

    *settle_ms* after it was asked for first, and *quiet_ms* after the last time at least; *growth* is the
    share of additional signals that is worth new words; *at_once* bounds what is under way.
    """

    settle_ms: int
    quiet_ms: int
    growth: float
    at_once: int


@dataclass(frozen=True, slots=True)
class Job:
    """A diagnosis to be put into words, and what is stored of it; *since* when words are awaited (ms)."""

    diagnosis: Diagnosis
    frame: Frame
    record: DiagnosisRecord
    summaries: Mapping[str, str]
    since: int


@dataclass(slots=True)
class Call:
    """A job under way; *newer* is the newest diagnosis that its incident got since, if any."""

    job: Job
    future: Future[Outcome]
    newer: Job | None = None


def result_of(call: Call) -> Outcome | None:
    """What came of *call*, which has ended; None where the narrator has failed in a way nobody foresaw."""
    future = call.future
    error = None if future.cancelled() else future.exception()
    if error is None and not future.cancelled():
        return future.result()
    event = {"incident": call.job.frame.incident, "reason": type(error).__name__ if error else "cancelled"}
    log.error("no narrative", extra={"event": event})  # the error's text may hold what was asked
    return None


def passed(since: int, now: int, ms: int) -> bool:
    """Whether *ms* have passed; a clock that was put back does not make it longer."""
    return not 0 <= now - since < ms
