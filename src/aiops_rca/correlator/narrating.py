"""Which diagnoses of the stream are put into words, and when; the words themselves come from a narrator.

An incident shows its diagnosis at once and gets its narrative in a later step. `step` never waits: the
narrator works on a thread of its own, for a bounded number of incidents at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from aiops_rca.correlator.calling import Calls, Closing, nothing_to_close
from aiops_rca.correlator.carrying import Narrated, basis_of, carried, narrated_in, news
from aiops_rca.correlator.documenting import AWAITED, Documents, Frame, document_of, ended, is_awaiting
from aiops_rca.correlator.jobs import Call, Job, outcome_of
from aiops_rca.domain import diagnosis as methods
from aiops_rca.domain.diagnosis import Diagnosis
from aiops_rca.domain.release import Release
from aiops_rca.enrich.asking import LONE, RESOLVED, UNCHANGED
from aiops_rca.enrich.gate import method_of
from aiops_rca.enrich.outcome import Outcome
from aiops_rca.live.records import DiagnosisRecord, Stored

_CLOSED = (methods.NO_KEY, methods.FLAG_OFF)  # then no words of a model are shown at all


class Narrator(Protocol):
    """Who puts diagnoses into words; see `narrator.step`."""

    def refusal(self, diagnosis: Diagnosis) -> str | None:
        """Why nobody would be asked about it now: a reason of `asking.SKIPS`. Cheap, from any thread."""
        ...

    def skipped(self, reason: str) -> None:
        """Count one about which nobody is asked."""
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


class Narrating:
    """The narratives of the live incidents. Every `DiagnosisRecord` it gives is to be stored.

    *closing* is what the narrator wants done in its event loop in the end.
    """

    def __init__(
        self,
        narrator: Narrator,
        documents: Documents,
        timing: Timing,
        *,
        closing: Closing = nothing_to_close,
    ) -> None:
        self._narrator, self._documents, self._timing = narrator, documents, timing
        self._beside = Calls(closing)
        self._told: dict[str, Narrated] = {}  # the last narrative of each incident
        self._called_at: dict[str, int] = {}
        self._waiting: dict[str, Job] = {}
        self._calls: dict[str, Call] = {}
        self._unfinished: dict[str, DiagnosisRecord] = {}  # awaited before the restart
        self._paused: dict[str, Job] = {}  # of incidents that are over, and may be reopened
        self._ready: list[DiagnosisRecord] = []

    def resume(self, stored: Stored) -> None:
        """Begin anew with what is stored: the narratives that are there, and those that were awaited."""
        self.drop()
        for record in stored.incidents:
            last = stored.diagnosed.get(record.id)
            document = document_of(last) if last else None
            if last is None or document is None:
                continue
            told = narrated_in(document)
            if told is not None:
                self._told[record.id], self._called_at[record.id] = told, last.made_at
            if is_awaiting(document):
                self._unfinished[record.id] = last

    def was_awaited(self, incident: str) -> bool:
        """Whether *incident* was to be put into words before the restart, and is to be diagnosed for it."""
        return incident in self._unfinished

    def begin(
        self,
        diagnosis: Diagnosis,
        frame: Frame,
        *,
        over: bool,
        summaries: Callable[[], Mapping[str, str]],
    ) -> tuple[DiagnosisRecord, ...]:
        """Decide whether *diagnosis* is put into words; the last of what is returned is its record.

        *over* is whether its incident is. What is returned before it replaces an older record.
        """
        incident = frame.incident
        since, older = self._supersede(frame)
        kept = self._carried(diagnosis, incident)
        reason = self._narrator.refusal(diagnosis) or self._needless(diagnosis, incident, kept, over=over)
        if reason is not None and reason != RESOLVED:
            return (*older, self._refused(diagnosis, frame, reason))
        record = self._refused(diagnosis, frame, reason) if reason else self._awaiting(diagnosis, frame, kept)
        held = self._paused if reason else self._waiting
        held[incident] = Job(diagnosis, frame, record, summaries(), since)
        return (*older, record)

    def end(self, incident: str, *, final: bool) -> None:
        """*incident* is over, so not worth a call. *final*: what is under way is of no use either."""
        call = self._calls.get(incident)
        if call is not None and final:
            self._cancel(incident)
            if not call.stale:
                self._ready.append(self._refused(call.job.diagnosis, call.job.frame, RESOLVED))
        job, before = self._waiting.pop(incident, None), self._unfinished.pop(incident, None)
        if job is not None:
            self._paused[incident] = job
            self._ready.append(self._refused(job.diagnosis, job.frame, RESOLVED))
        elif before is not None:
            self._ready.append(ended(before))

    def reopen(self, incident: str) -> None:
        """*incident* is not over: what was given up when it was is awaited again."""
        job = self._paused.pop(incident, None)
        kept = self._carried(job.diagnosis, incident) if job else None
        if job is not None and not self._needless(job.diagnosis, incident, kept, over=False):
            record = self._awaiting(job.diagnosis, job.frame, kept)
            self._waiting[incident] = replace(job, record=record)
            self._ready.append(record)

    def has_work(self, now: int) -> bool:
        """Whether `step` has anything to do."""
        if self._ready or any(call.future.done() for call in self._calls.values()):
            return True
        return any(self._is_due(job, now) or self._refusal(job) for job in self._waiting.values())

    def step(self, now: int) -> list[DiagnosisRecord]:
        """Take what has come of the calls, and begin those that are due. *now* is epoch ms."""
        records, self._ready = self._ready, []
        for call in [call for call in self._calls.values() if call.future.done()]:
            records += self._settle(call)
        for job in sorted(self._waiting.values(), key=lambda job: job.since):
            reason = self._refusal(job)
            if reason is not None:
                del self._waiting[job.frame.incident]
                records.append(self._refused(job.diagnosis, job.frame, reason))
            elif self._is_due(job, now):
                self._call(job, now)
        return records

    def forget(self, incident: str) -> None:
        """*incident* is out of reach for good."""
        self._cancel(incident)
        for held in (self._told, self._called_at, self._waiting, self._unfinished, self._paused):
            held.pop(incident, None)

    def drop(self) -> None:
        """Forget everything, and cancel what is under way."""
        for incident in [*self._calls]:
            self._cancel(incident)
        for held in (self._told, self._called_at, self._waiting, self._unfinished, self._paused):
            held.clear()
        self._ready.clear()

    def close(self) -> None:
        """Drop everything and end the thread."""
        self.drop()
        self._beside.close()

    def _supersede(self, frame: Frame) -> tuple[int, list[DiagnosisRecord]]:
        """Make way for a newer diagnosis: since when words are awaited, and what was to get them before.

        A call under way goes on: what comes of it may fit the newer diagnosis as well.
        """
        job, before = self._waiting.pop(frame.incident, None), self._unfinished.pop(frame.incident, None)
        self._paused.pop(frame.incident, None)
        call = self._calls.get(frame.incident)
        older = [job.record] if job else []
        if call is not None and not call.stale:
            call.stale = True
            older.append(call.job.record)
        if before is not None and before.number != frame.number:
            older.append(before)
        return job.since if job else frame.made_at, [ended(record) for record in older]

    def _carried(self, diagnosis: Diagnosis, incident: str) -> Diagnosis | None:
        """*diagnosis* with the last narrative of *incident*, where there is one that fits."""
        told = self._told.get(incident)
        return carried(diagnosis, told, self._documents.release) if told else None

    def _needless(
        self, diagnosis: Diagnosis, incident: str, kept: Diagnosis | None, *, over: bool
    ) -> str | None:
        if over:
            return RESOLVED
        if diagnosis.cluster.signals == 1:  # its one signal says it all; most get company
            return LONE
        if kept is None or news(self._told[incident].basis, basis_of(diagnosis), self._timing.growth):
            return None
        return UNCHANGED

    def _refusal(self, job: Job) -> str | None:
        """Why nobody would be asked any more, as when the model was switched off while it waited."""
        return self._narrator.refusal(job.diagnosis)

    def _refused(self, diagnosis: Diagnosis, frame: Frame, reason: str) -> DiagnosisRecord:
        """The record of a diagnosis about which nobody is asked."""
        self._narrator.skipped(reason)
        return self._wordless(Outcome(replace(diagnosis, method=method_of(reason))), diagnosis, frame)

    def _wordless(self, outcome: Outcome, diagnosis: Diagnosis, frame: Frame) -> DiagnosisRecord:
        """The record of an attempt without a narrative: with the last one, where it fits and may be shown."""
        kept = None if outcome.diagnosis.method in _CLOSED else self._carried(diagnosis, frame.incident)
        return self._record(kept or outcome.diagnosis, frame, outcome.trouble)

    def _awaiting(self, diagnosis: Diagnosis, frame: Frame, kept: Diagnosis | None) -> DiagnosisRecord:
        """The record of a diagnosis whose narrative is still to come; *kept* has an earlier one."""
        if kept is not None:
            return self._record(kept, frame, AWAITED)
        return self._record(replace(diagnosis, method=methods.PENDING), frame)

    def _record(self, diagnosis: Diagnosis, frame: Frame, trouble: str | None = None) -> DiagnosisRecord:
        """The record of *diagnosis*, with what there is to be said of its narrative and of the attempt."""
        told = self._told.get(frame.incident) if diagnosis.narrative else None
        troubles = (told.warning if told else None, trouble)
        return self._documents.record(diagnosis, frame, [said for said in troubles if said])

    def _is_due(self, job: Job, now: int) -> bool:
        incident = job.frame.incident
        if len(self._calls) >= self._timing.at_once or incident in self._calls:
            return False
        called_at = self._called_at.get(incident)
        quiet = called_at is None or _passed(called_at, now, self._timing.quiet_ms)
        return quiet and _passed(job.since, now, self._timing.settle_ms)

    def _call(self, job: Job, now: int) -> None:
        incident = job.frame.incident
        del self._waiting[incident]
        work = self._narrator.narrate(job.diagnosis, self._documents.release, summaries=job.summaries)
        self._calls[incident] = Call(job, self._beside.begin(work))
        self._called_at[incident] = now

    def _cancel(self, incident: str) -> None:
        call = self._calls.pop(incident, None)
        if call is not None:
            call.future.cancel()

    def _settle(self, call: Call) -> list[DiagnosisRecord]:
        """What *call* has brought about."""
        job, incident = call.job, call.job.frame.incident
        del self._calls[incident]
        outcome = outcome_of(call)
        found = outcome.diagnosis
        if found.narrative is not None and found.named is not None:
            basis, named = basis_of(job.diagnosis), found.named.service
            self._told[incident] = Narrated(found.narrative, named, basis, outcome.trouble)
            return self._spread(incident) if call.stale else [self._record(found, job.frame)]
        return [] if call.stale else [self._wordless(outcome, job.diagnosis, job.frame)]

    def _spread(self, incident: str) -> list[DiagnosisRecord]:
        """Give the narrative that came for an older diagnosis to the newer one, which may need no other."""
        job = self._waiting.get(incident)
        kept = self._carried(job.diagnosis, incident) if job else None
        if job is None or kept is None:
            return []
        if self._needless(job.diagnosis, incident, kept, over=False):
            del self._waiting[incident]
            return [self._refused(job.diagnosis, job.frame, UNCHANGED)]
        record = self._awaiting(job.diagnosis, job.frame, kept)
        self._waiting[incident] = replace(job, record=record)
        return [record]


def _passed(since: int, now: int, ms: int) -> bool:
    """Whether *ms* have passed; a clock that was put back does not make it longer."""
    return not 0 <= now - since < ms
