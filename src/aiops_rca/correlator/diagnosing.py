"""Which incidents get a diagnosis now, and making them: as many as fit into the time given, the rest in turn.

An incident is diagnosed when it opens and again when it has changed enough; what is diagnosed are the
first alerts of its signals. The diagnosis is pure: only the time it may take comes from a clock.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from aiops_rca.domain.alert import Alert, Severity
from aiops_rca.domain.diagnosis import PROBABLE
from aiops_rca.domain.release import Release
from aiops_rca.live.members import alerts_of, onsets_of
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
from aiops_rca.report import diagnosis_out
from aiops_rca.wire import encode

T = TypeVar("T")
log = logging.getLogger("aiops_rca.diagnosing")

FIRST = "first alerts"
NEW_SERVICE = "new service"
GROWN = "more signals"
WORSE = "higher severity"
FEWER = "alerts left"
OVER = "resolved"
DIAGNOSED = "diagnosed"  # in the timeline
ROOT_CAUSE = "root_cause"  # an occasion to notify
_MOST_ALERTS = 5_000  # of an incident that is no longer in memory


class Made(NamedTuple):
    """The diagnoses of one step, and what is to be said of them."""

    diagnoses: tuple[DiagnosisRecord, ...] = ()
    happenings: tuple[Happening, ...] = ()
    notices: tuple[Notice, ...] = ()


class _Seen(NamedTuple):
    """What the last diagnosis of an incident was made of, and what it said.

    After a restart *alerts* (a hash of them) is None: then the count of changes has to tell.
    """

    number: int
    changes: int
    signals: int
    services: frozenset[str]
    severity: Severity
    alerts: int | None
    root_cause: str
    verdict: str


_NOTHING_SEEN = _Seen(0, 0, 0, frozenset(), Severity.INFO, None, "", "")


class Diagnosing:
    """The waiting line of incidents. *release* and *versions* answer; *growth* is the share that is grown.

    *kept_alerts* gives the stored alerts of an incident that the fold has already forgotten.
    """

    def __init__(
        self,
        release: Release,
        versions: Mapping[str, str],
        *,
        growth: float,
        kept_alerts: Callable[[str, int], Iterable[AlertRecord]],
        clock: Callable[[], float],
    ) -> None:
        self._release, self._versions, self._growth = release, versions, growth
        self._kept_alerts, self._clock = kept_alerts, clock
        self._seen: dict[str, _Seen] = {}
        self._first: dict[str, str] = {}  # incident -> reason, in the order they came
        self._again: dict[str, str] = {}
        self._gone: dict[
            str, tuple[IncidentRecord, str]
        ] = {}  # diagnosed from the store, once they are in it

    @property
    def waiting(self) -> int:
        """How many incidents wait for a diagnosis."""
        return len(self._first) + len(self._again) + len(self._gone)

    def resume(self, stored: Stored) -> None:
        """Begin anew with what is stored: what was diagnosed, and what has changed since."""
        self._seen, self._first, self._again, self._gone = {}, {}, {}, {}
        for record in stored.incidents:
            last = stored.diagnosed.get(record.id)
            if last is not None:
                self._seen[record.id] = _as_stored(last, record)
                if last.alert_count != record.signal_count:  # by what services it grew is forgotten
                    self._again[record.id] = GROWN
            self._line_up(record)

    def note(self, changes: Changes) -> None:
        """Line up the incidents of *changes* that need a diagnosis and are still in memory."""
        for record in changes.incidents:
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
        """Diagnose those whose turn it is, at least one, for *seconds* at most. *now* is epoch ms."""
        made: list[Made] = []
        deadline = self._clock() + seconds
        while self.waiting and (not made or self._clock() < deadline):
            made.append(self._next(state, now))
        return Made(
            tuple(d for one in made for d in one.diagnoses),
            tuple(h for one in made for h in one.happenings),
            tuple(n for one in made for n in one.notices),
        )

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

    def _next(self, state: State, now: int) -> Made:
        """Diagnose the first in line: new incidents before old ones, those in memory before others."""
        line = self._first or self._again
        if not line:
            incident, (record, reason) = _popped(self._gone)
            made = self._diagnose(record, onsets_of(self._kept_alerts(incident, _MOST_ALERTS)), reason, now)
            self._forget(incident)
            return made
        incident, reason = _popped(line)
        known = state.incidents.get(incident)
        if known is None:  # no longer in memory: `stored` has lined it up, or will
            return Made()
        return self._diagnose(known.record, alerts_of(state, incident), reason, now)

    def _diagnose(self, record: IncidentRecord, alerts: Sequence[Alert], reason: str, now: int) -> Made:
        seen = self._seen.get(record.id, _NOTHING_SEEN)
        digest = hash(frozenset((a.id, a.ts, a.severity, a.value) for a in alerts))
        asked = bool(alerts) and digest != seen.alerts  # the same alerts would give the same answer
        made = self._attempt(record, alerts, seen.number + 1, reason, now) if asked else None
        self._seen[record.id] = _Seen(
            number=made.number if made else seen.number,
            changes=record.changes,
            signals=record.signal_count,
            services=frozenset(record.services),
            severity=record.max_severity,
            alerts=digest,
            root_cause=made.root_cause if made else seen.root_cause,
            verdict=made.verdict if made else seen.verdict,
        )
        if asked and made is None:
            failed = Happening(
                record.id, now, "diagnosis failed", "a fault of the service; see its log", "", ""
            )
            return Made(happenings=(failed,))
        return Made((made,), *_told(made, seen)) if made else Made()

    def _attempt(
        self, record: IncidentRecord, alerts: Sequence[Alert], number: int, reason: str, now: int
    ) -> DiagnosisRecord | None:
        try:
            return self._record(record, alerts, number, reason, now)
        except Exception:  # a fault of ours in one incident must not stop all the others
            log.exception("diagnosis failed", extra={"event": {"incident": record.id}})
            return None

    def _record(
        self, record: IncidentRecord, alerts: Sequence[Alert], number: int, reason: str, now: int
    ) -> DiagnosisRecord:
        release = self._release
        found = diagnosis_out(
            diagnose_cluster(alerts, release),
            release,
            number=number,
            made_at=now,
            reason=reason,
            versions=self._versions,
        )
        cause = found.root_cause
        return DiagnosisRecord(
            incident=record.id,
            number=number,
            made_at=now,
            changes=record.changes,
            alert_count=found.alert_count,
            reason=reason,
            release=release.id,
            root_cause=cause.service,
            confidence=cause.confidence,
            verdict=cause.verdict,
            document=encode(found),
        )


def _popped(line: dict[str, T]) -> tuple[str, T]:
    incident = next(iter(line))
    return incident, line.pop(incident)


def _as_stored(last: DiagnosisRecord, record: IncidentRecord) -> _Seen:
    return _Seen(
        number=last.number,
        changes=last.changes,
        signals=last.alert_count,
        services=frozenset(record.services),
        severity=record.max_severity,
        alerts=None,
        root_cause=last.root_cause,
        verdict=last.verdict,
    )


def _told(made: DiagnosisRecord, seen: _Seen) -> tuple[tuple[Happening, ...], tuple[Notice, ...]]:
    """The line in the timeline, and the notice, that *made* is worth after *seen*."""
    if (made.root_cause, made.verdict) == (seen.root_cause, seen.verdict):
        return (), ()
    now = "is now" if seen.number else "is"
    text = f"the root cause {now} {made.root_cause}: {made.verdict}, {made.confidence:.0%} ({made.reason})"
    happening = Happening(made.incident, made.made_at, DIAGNOSED, text, "", "")
    if not seen.number or made.verdict != PROBABLE or made.root_cause == seen.root_cause:
        return (happening,), ()
    return (happening,), (Notice(made.incident, ROOT_CAUSE, made.made_at),)
