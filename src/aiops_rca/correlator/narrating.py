"""Which diagnoses of the stream are put into words, and when; the words themselves come from a narrator.

An incident shows its diagnosis at once and gets its narrative in a later step. `step` never waits: the
narrator works on a thread of its own, for a bounded number of incidents at a time. A fault of ours in one
incident leaves it the graph's answer, and everything else as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from aiops_rca.correlator.calling import Calls, Closing, nothing_to_close
from aiops_rca.correlator.documenting import Documents, Frame, document_of, ended, is_awaiting
from aiops_rca.correlator.jobs import FAULT, Call, Job, Narrator, Timing, passed, result_of
from aiops_rca.correlator.showing import Shown
from aiops_rca.domain.diagnosis import FAILED, Diagnosis
from aiops_rca.enrich.asking import CLIENT_ERROR, RESOLVED, UNCHANGED
from aiops_rca.enrich.gate import method_of
from aiops_rca.enrich.outcome import Outcome
from aiops_rca.live.records import DiagnosisRecord, Stored

log = logging.getLogger("aiops_rca.narrating")


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
        self._narrator, self._release, self._timing = narrator, documents.release, timing
        self._shown = Shown(documents, timing.growth)
        self._beside = Calls(closing)
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
            if self._shown.resume(record.id, document):
                self._called_at[record.id] = last.made_at
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

        *over* is whether its incident is. What is returned before it replaces an older record. Nothing is
        returned where not even the graph's answer could be written.
        """
        since, older = self._supersede(frame)
        decide = partial(self._decided, diagnosis, frame, since, summaries, over=over)
        made = self._guarded(diagnosis, frame, decide)
        if not made:
            self._ready += older
            return ()
        return (*older, *made)

    def end(self, incident: str, *, final: bool) -> None:
        """*incident* is over, so not worth a call. *final*: what is under way is of no use either."""
        call = self._calls.get(incident)
        if call is not None and final:
            self._cancel(incident)
            if call.newer is None:
                self._ready += self._given_up(call.job, RESOLVED)
        job, before = self._waiting.pop(incident, None), self._unfinished.pop(incident, None)
        if job is not None:
            self._paused[incident] = job
            self._ready += self._given_up(job, RESOLVED)
        elif before is not None:
            self._ready.append(ended(before))

    def reopen(self, incident: str) -> None:
        """*incident* is not over: what was given up when it was is awaited again."""
        job = self._paused.pop(incident, None)
        if job is not None:
            self._ready += self._guarded(job.diagnosis, job.frame, partial(self._taken_up, job))

    def has_work(self, now: int) -> bool:
        """Whether `step` has anything to do."""
        if self._ready or any(call.future.done() for call in self._calls.values()):
            return True
        if (self._calls or self._waiting) and self._narrator.closed() is not None:
            return True
        return any(self._is_due(job, now) for job in self._waiting.values())

    def step(self, now: int) -> list[DiagnosisRecord]:
        """Take what has come of the calls, and begin those that are due. *now* is epoch ms.

        Once nobody may be asked any more, what is under way is cancelled and what has come is not shown.
        """
        records, self._ready = self._ready, []
        closed = self._narrator.closed()
        if closed is not None:
            return records + self._closed(closed)
        for call in [call for call in self._calls.values() if call.future.done()]:
            del self._calls[call.job.frame.incident]
            about = call.newer or call.job
            records += self._guarded(about.diagnosis, about.frame, partial(self._settled, call))
        for job in sorted(self._waiting.values(), key=lambda job: job.since):
            if self._is_due(job, now):
                del self._waiting[job.frame.incident]
                records += self._guarded(job.diagnosis, job.frame, partial(self._begun, job, now))
        return records

    def forget(self, incident: str) -> None:
        """*incident* is out of reach for good."""
        self._drop(incident)
        self._called_at.pop(incident, None)

    def drop(self) -> None:
        """Forget everything, and cancel what is under way."""
        for incident in [*self._calls]:
            self._cancel(incident)
        for held in (self._called_at, self._waiting, self._unfinished, self._paused):
            held.clear()
        self._shown.clear()
        self._ready.clear()

    def close(self) -> None:
        """Drop everything and end the thread."""
        self.drop()
        self._beside.close()

    def _guarded(
        self, diagnosis: Diagnosis, frame: Frame, act: Callable[[], list[DiagnosisRecord]]
    ) -> list[DiagnosisRecord]:
        """What *act* gives for one incident; after a fault of ours the graph's answer, if that can be."""
        try:
            return act()
        except Exception:  # the same would happen again after a restart, and stop all the others each time
            log.exception("no narrative", extra={"event": {"incident": frame.incident}})
        self._drop(frame.incident)  # whatever it was that could not be dealt with
        self._narrator.failed(CLIENT_ERROR)
        try:
            return [self._shown.record(replace(diagnosis, method=FAILED), frame, FAULT)]
        except Exception:
            log.exception("no document", extra={"event": {"incident": frame.incident}})
            return []

    def _supersede(self, frame: Frame) -> tuple[int, list[DiagnosisRecord]]:
        """Make way for a newer diagnosis: since when words are awaited, and what was to get them before.

        A call under way goes on: what comes of it may fit the newer diagnosis as well.
        """
        job, before = self._waiting.pop(frame.incident, None), self._unfinished.pop(frame.incident, None)
        self._paused.pop(frame.incident, None)
        call = self._calls.get(frame.incident)
        older = [job.record] if job else []
        if call is not None and call.newer is None:
            older.append(call.job.record)
        if before is not None and before.number != frame.number:
            older.append(before)
        return job.since if job else frame.made_at, [ended(record) for record in older]

    def _decided(
        self,
        diagnosis: Diagnosis,
        frame: Frame,
        since: int,
        summaries: Callable[[], Mapping[str, str]],
        *,
        over: bool,
    ) -> list[DiagnosisRecord]:
        """The record of a new diagnosis, which is to be put into words or not."""
        incident, call = frame.incident, self._calls.get(frame.incident)
        kept = self._shown.carried(diagnosis, incident)
        reason = self._narrator.refusal(diagnosis)
        reason = reason or self._shown.needless(diagnosis, incident, kept, over=over)
        if reason is None:
            record = self._shown.awaiting(diagnosis, frame, kept)
        else:
            record = self._refused(diagnosis, frame, reason)
        held = {None: self._waiting, RESOLVED: self._paused}.get(reason)
        if held is None and call is None:
            return [record]
        job = Job(diagnosis, frame, record, summaries(), since)
        if held is not None:
            held[incident] = job
        if call is not None:
            call.newer = job
        return [record]

    def _refused(self, diagnosis: Diagnosis, frame: Frame, reason: str) -> DiagnosisRecord:
        """The record of a diagnosis about which nobody is asked."""
        self._narrator.skipped(reason)
        return self._shown.wordless(Outcome(replace(diagnosis, method=method_of(reason))), diagnosis, frame)

    def _given_up(self, job: Job, reason: str) -> list[DiagnosisRecord]:
        """What becomes of *job* when nobody is asked after all."""
        refuse = partial(self._refused, job.diagnosis, job.frame, reason)
        return self._guarded(job.diagnosis, job.frame, lambda: [refuse()])

    def _taken_up(self, job: Job) -> list[DiagnosisRecord]:
        """Wait again for words about *job*, if it needs any."""
        kept = self._shown.carried(job.diagnosis, job.frame.incident)
        if self._shown.needless(job.diagnosis, job.frame.incident, kept):
            return []
        return self._waited(job, kept)

    def _waited(self, job: Job, kept: Diagnosis | None) -> list[DiagnosisRecord]:
        record = self._shown.awaiting(job.diagnosis, job.frame, kept)
        self._waiting[job.frame.incident] = replace(job, record=record)
        return [record]

    def _is_due(self, job: Job, now: int) -> bool:
        incident = job.frame.incident
        if len(self._calls) >= self._timing.at_once or incident in self._calls:
            return False
        called_at = self._called_at.get(incident)
        quiet = called_at is None or passed(called_at, now, self._timing.quiet_ms)
        return quiet and passed(job.since, now, self._timing.settle_ms)

    def _begun(self, job: Job, now: int) -> list[DiagnosisRecord]:
        """Begin the call about *job*, unless it is no longer worth one."""
        reason = self._narrator.refusal(job.diagnosis)
        if reason is not None:
            return [self._refused(job.diagnosis, job.frame, reason)]
        incident = job.frame.incident
        self._called_at[incident] = now
        work = self._narrator.narrate(job.diagnosis, self._release, summaries=job.summaries)
        self._calls[incident] = Call(job, self._beside.begin(work))
        return []

    def _closed(self, reason: str) -> list[DiagnosisRecord]:
        """Nobody may be asked any more: end everything that was to be put into words."""
        calls, waiting = [*self._calls.values()], [*self._waiting.values()]
        for call in calls:
            self._cancel(call.job.frame.incident)
        self._waiting.clear()
        jobs = [*(call.job for call in calls if call.newer is None), *waiting]
        return [record for job in jobs for record in self._given_up(job, reason)]

    def _cancel(self, incident: str) -> None:
        call = self._calls.pop(incident, None)
        if call is not None:
            call.future.cancel()

    def _drop(self, incident: str) -> None:
        self._cancel(incident)
        self._shown.forget(incident)
        for held in (self._waiting, self._unfinished, self._paused):
            held.pop(incident, None)

    def _settled(self, call: Call) -> list[DiagnosisRecord]:
        """What *call* has brought about."""
        job = call.job
        outcome = result_of(call)
        if outcome is None:
            self._narrator.failed(CLIENT_ERROR)
            outcome = Outcome(replace(job.diagnosis, method=FAILED), FAULT)
        if self._shown.learn(outcome, job.diagnosis, job.frame.incident):
            newer = call.newer
            return self._spread(newer) if newer else [self._shown.record(outcome.diagnosis, job.frame)]
        return [] if call.newer else [self._shown.wordless(outcome, job.diagnosis, job.frame)]

    def _spread(self, newer: Job) -> list[DiagnosisRecord]:
        """Give the narrative that came for an older diagnosis to the newest, which may need no other."""
        incident = newer.frame.incident
        kept = self._shown.carried(newer.diagnosis, incident)
        if kept is None:
            return []
        job = self._waiting.pop(incident, None)
        if job is not None and self._shown.needless(job.diagnosis, incident, kept) is None:
            return self._waited(job, kept)
        if job is not None:
            self._narrator.skipped(UNCHANGED)
        return [self._shown.record(kept, newer.frame)]
