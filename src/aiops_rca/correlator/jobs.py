"""One diagnosis on its way to being put into words, and what comes of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace

from aiops_rca.correlator.documenting import Frame
from aiops_rca.domain.diagnosis import FAILED, Diagnosis
from aiops_rca.enrich.asking import CLIENT_ERROR
from aiops_rca.enrich.outcome import Outcome
from aiops_rca.live.records import DiagnosisRecord

log = logging.getLogger("aiops_rca.narrating")

_FAULT = f"{CLIENT_ERROR}: a fault of the service; see its log"


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
    """A job under way; *stale* once its incident has a newer diagnosis."""

    job: Job
    future: Future[Outcome]
    stale: bool = False


def outcome_of(call: Call) -> Outcome:
    """What came of *call*, which has ended; also where the narrator has failed in a way nobody foresaw."""
    future, job = call.future, call.job
    error = None if future.cancelled() else future.exception()
    if error is None and not future.cancelled():
        return future.result()
    event = {"incident": job.frame.incident, "reason": type(error).__name__ if error else "cancelled"}
    log.error("no narrative", extra={"event": event})  # the error's text may hold what was asked
    return Outcome(replace(job.diagnosis, method=FAILED), _FAULT)
