"""Which incidents get a diagnosis now, and making them: as many as fit into the time given, the rest in turn.

An incident is diagnosed when it opens and again when it has changed enough; what is diagnosed are the
first alerts of its signals. The diagnosis is pure: only the time it may take comes from a clock. Its
narrative may come later, from `narrating`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from aiops_rca.correlator.documenting import Documents, Frame
from aiops_rca.correlator.narrating import Narrating
from aiops_rca.correlator.seen import NOTHING_SEEN, Seen, as_stored, moved_because, told
from aiops_rca.domain.alert import Alert
from aiops_rca.domain.release import Release
from aiops_rca.enrich.asking import OUR_FAULT
from aiops_rca.live.members import alerts_of, onsets_of, summaries_of
from aiops_rca.live.records import (
    MERGED,
    RESOLVED,
    AlertRecord,
    Changes,
    DiagnosisRecord,
    Happening,
    IncidentRecord,
    Notice,
    Stored,
)
from aiops_rca.live.state import State
from aiops_rca.pipeline import diagnose_cluster

T = TypeVar("T")
log = logging.getLogger("aiops_rca.diagnosing")

FIRST = "first alerts"
NEW_SERVICE = "new service"
GROWN = "more signals"
WORSE = "higher severity"
FEWER = "alerts left"
OVER = "resolved"
_MOST_ALERTS = 5_000  # of an incident that is no longer in memory


class Made(NamedTuple):
    """The diagnoses of one step, and what is to be said of them."""

    diagnoses: tuple[DiagnosisRecord, ...] = ()
    happenings: tuple[Happening, ...] = ()
    notices: tuple[Notice, ...] = ()


class Diagnosing:
    """The waiting line of incidents. *release* and *versions* answer; *growth* is the share that is grown.

    *kept_alerts* gives the stored alerts of an incident that the fold has already forgotten. Without
    *narrating* nothing is put into words.
    """

    def __init__(
        self,
        release: Release,
        versions: Mapping[str, str],
        *,
        growth: float,
        kept_alerts: Callable[[str, int], Iterable[AlertRecord]],
        clock: Callable[[], float],
        narrating: Narrating | None = None,
    ) -> None:
        self._documents, self._growth, self._narrating = Documents(release, versions), growth, narrating
        self._kept_alerts, self._clock = kept_alerts, clock
        self._seen: dict[str, Seen] = {}
        self._first: dict[str, str] = {}  # incident -> reason, in the order they came
        self._again: dict[str, str] = {}
        self._gone: dict[
            str, tuple[IncidentRecord, str]
        ] = {}  # diagnosed from the store, once they are in it

    @property
    def waiting(self) -> int:
        """How many incidents wait for a diagnosis."""
        return len(self._first) + len(self._again) + len(self._gone)

    def has_work(self, now: int) -> bool:
        """Whether `make` has anything to do at *now* (epoch ms)."""
        return self.waiting > 0 or (self._narrating is not None and self._narrating.has_work(now))

    def resume(self, stored: Stored) -> None:
        """Begin anew with what is stored: what was diagnosed, and what has changed since."""
        self._seen, self._first, self._again, self._gone = {}, {}, {}, {}
        if self._narrating is not None:
            self._narrating.resume(stored)
        for record in stored.incidents:
            last = stored.diagnosed.get(record.id)
            if last is not None:
                self._seen[record.id] = as_stored(last, record)
                if last.alert_count != record.signal_count:  # by what services it grew is forgotten
                    self._again[record.id] = GROWN
                if self._narrating is not None and self._narrating.was_awaited(record.id):
                    self._redo(last, record)
            self._line_up(record)

    def note(self, changes: Changes) -> None:
        """Line up the incidents of *changes* that need a diagnosis and are still in memory."""
        for record in changes.incidents:
            if self._narrating is not None:
                self._tell_how_it_stands(self._narrating, record)
            if record.status == MERGED:
                self._forget(record.id)
            elif record.live:
                self._line_up(record)

    def stored(self, changes: Changes) -> None:
        """*changes* are in the store: line up those of its incidents that are no longer in memory."""
        for record in changes.incidents:
            if record.live or record.status == MERGED:
                continue
            reason = self._reason(record)
            if reason is None:
                self._forget(record.id)
            else:
                self._gone[record.id] = (record, reason)

    def make(self, state: State, *, now: int, seconds: float) -> Made:
        """Diagnose those whose turn it is, at least one, for *seconds* at most. *now* is epoch ms.

        Before that come narratives that are there, in records that replace those of the same number.
        """
        worded = (
            [self._worded(record, now) for record in self._narrating.step(now)] if self._narrating else []
        )
        made: list[Made] = []
        deadline = self._clock() + seconds
        while self.waiting and (not made or self._clock() < deadline):
            made.append(self._next(state, now))
        everything = (*worded, *made)
        # what is replaced twice in one step is written once
        last = {(d.incident, d.number): d for one in everything for d in one.diagnoses}
        return Made(
            tuple(last.values()),
            tuple(h for one in everything for h in one.happenings),
            tuple(n for one in everything for n in one.notices),
        )

    def let_go(self) -> None:
        """Another one may go on from here: begin nothing more, and let what is under way come to nothing."""
        if self._narrating is not None:
            self._narrating.drop()

    def close(self) -> None:
        """End what runs beside."""
        if self._narrating is not None:
            self._narrating.close()

    def _redo(self, last: DiagnosisRecord, record: IncidentRecord) -> None:
        """Diagnose it again, because its narrative is missing: under the same number if nothing changed."""
        self._again[record.id] = last.reason
        if last.changes == record.changes:
            self._seen[record.id] = self._seen[record.id]._replace(number=last.number - 1)

    def _worded(self, record: DiagnosisRecord, now: int) -> Made:
        """*record* replaces an earlier one; it may name another root cause."""
        seen = self._seen.get(record.incident)
        if seen is None:  # merged into another one
            return Made((record,))
        self._seen[record.incident] = seen._replace(root_cause=record.root_cause, verdict=record.verdict)
        return Made((record,), *told(record, seen, now, moved_because(record)))

    @staticmethod
    def _tell_how_it_stands(narrating: Narrating, record: IncidentRecord) -> None:
        if record.status in (RESOLVED, MERGED):
            narrating.end(record.id, final=record.status == MERGED or not record.live)
        else:
            narrating.reopen(record.id)

    def _line_up(self, record: IncidentRecord) -> None:
        reason = self._reason(record)
        if reason is not None:
            line = self._first if reason == FIRST else self._again
            line.setdefault(record.id, reason)

    def _reason(self, record: IncidentRecord) -> str | None:
        """Why *record* needs a diagnosis; None when it does not."""
        seen = self._seen.get(record.id)
        if seen is None:
            return FIRST
        if record.changes == seen.changes:
            return None
        worth = {
            NEW_SERVICE: not seen.services.issuperset(record.services),
            WORSE: record.max_severity > seen.severity,
            FEWER: record.signal_count < seen.signals,
            GROWN: record.signal_count >= seen.signals * (1 + self._growth),
            OVER: record.status == RESOLVED,
        }
        return next((reason for reason, holds in worth.items() if holds), None)

    def _forget(self, incident: str) -> None:
        for held in (self._first, self._again, self._gone, self._seen):
            held.pop(incident, None)
        if self._narrating is not None:
            self._narrating.forget(incident)

    def _next(self, state: State, now: int) -> Made:
        """Diagnose the first in line: new incidents before old ones, those in memory before others."""
        line = self._first or self._again
        if not line:
            incident, (record, reason) = _popped(self._gone)
            alerts = onsets_of(self._kept_alerts(incident, _MOST_ALERTS))
            made = self._diagnose(record, alerts, reason, state, now)
            self._forget(incident)
            return made
        incident, reason = _popped(line)
        known = state.incidents.get(incident)
        if known is None:  # no longer in memory: `stored` has lined it up, or will
            return Made()
        return self._diagnose(known.record, alerts_of(state, incident), reason, state, now)

    def _diagnose(
        self, record: IncidentRecord, alerts: Sequence[Alert], reason: str, state: State, now: int
    ) -> Made:
        seen = self._seen.get(record.id, NOTHING_SEEN)
        digest = hash(frozenset((a.id, a.ts, a.severity, a.value) for a in alerts))
        asked = bool(alerts) and digest != seen.alerts  # the same alerts would give the same answer
        frame = Frame(record.id, seen.number + 1, now, record.changes, reason)
        made = self._attempt(record, alerts, frame, state) if asked else ()
        last = made[-1] if made else None
        self._seen[record.id] = Seen(
            number=last.number if last else seen.number,
            changes=record.changes,
            signals=record.signal_count,
            services=frozenset(record.services),
            severity=record.max_severity,
            alerts=digest,
            root_cause=last.root_cause if last else seen.root_cause,
            verdict=last.verdict if last else seen.verdict,
        )
        if asked and last is None:
            failed = Happening(record.id, now, "diagnosis failed", OUR_FAULT, "", "")
            return Made(happenings=(failed,))
        return Made(made, *told(last, seen, now, reason)) if last else Made()

    def _attempt(
        self, record: IncidentRecord, alerts: Sequence[Alert], frame: Frame, state: State
    ) -> tuple[DiagnosisRecord, ...]:
        """The record of a new diagnosis, last; what comes before it replaces an older one. Empty: failed."""
        try:
            diagnosis = diagnose_cluster(alerts, self._documents.release)
            if self._narrating is None:
                return (self._documents.record(diagnosis, frame),)
            written = partial(summaries_of, state, alerts)
            over = record.status == RESOLVED
            return self._narrating.begin(diagnosis, frame, over=over, summaries=written)
        except Exception:  # a fault of ours in one incident must not stop all the others
            log.exception("diagnosis failed", extra={"event": {"incident": record.id}})
            return ()


def _popped(line: dict[str, T]) -> tuple[str, T]:
    incident = next(iter(line))
    return incident, line.pop(incident)
