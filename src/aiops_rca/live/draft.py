"""An incident while a fold works on it: what its firings add up to, kept up to date firing by firing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aiops_rca.domain.alert import Alert, Severity
from aiops_rca.domain.event import TRUNCATED
from aiops_rca.live.outline import alert_of, earlier_and_worse, extended, moment
from aiops_rca.live.records import ACKNOWLEDGED, MERGED, OPEN, RESOLVED, AlertRecord, IncidentRecord
from aiops_rca.live.signals import EXPIRED
from aiops_rca.live.state import LiveIncident


class Draft:
    """The working copy of one incident. *before* is None for one that opens now."""

    def __init__(self, before: LiveIncident | None, id: str, order: int, reach_ms: int) -> None:
        self.before = before
        self.id, self.order, self._reach_ms = id, order, reach_ms
        self.joined: list[AlertRecord] = []
        self.onsets: dict[str, Alert] = dict(before.onsets) if before else {}
        self.outline: dict[str, tuple[Alert, ...]] = dict(before.outline) if before else {}
        self.last_end = before.last_end if before else 0
        self.first_at = before.first_at if before else 1 << 62
        self.last_at = before.last_at if before else 0
        self.record = before.record if before else _empty(id, order)
        self.alert_count, self.open_alerts = self.record.alert_count, self.record.open_alerts
        self.event_count, self.changes = self.record.event_count, self.record.changes
        self.severity, self.partial = self.record.max_severity, self.record.partial
        self.sources = set(self.record.sources)
        self.touched_at = before.touched_at if before else 0
        self.end_shrank = self.expired = False

    def add(self, firing: AlertRecord) -> None:
        """Count a firing that joins."""
        self.joined.append(firing)
        self.alert_count += 1
        self.changes += 1
        self.sources.add(firing.source)
        self.first_at, self.last_at = min(self.first_at, firing.at), max(self.last_at, firing.at)
        self._show(firing)
        self._count_end(firing)

    def change(self, old: AlertRecord, new: AlertRecord) -> None:
        """Count what became of a firing that is already in."""
        if not old.ended:
            self.open_alerts -= 1
        elif old.ends_at == self.last_end and (new.ends_at or 0) < self.last_end:
            self.end_shrank = True
        self.expired = self.expired or (new.ended == EXPIRED and old.ended != EXPIRED)
        self._show(new)
        self._count_end(new)
        if (old.ended, old.ends_at, old.severity, old.at) != (new.ended, new.ends_at, new.severity, new.at):
            self.changes += 1
            self.first_at = min(self.first_at, new.at)

    def take_place(self, old: AlertRecord, new: AlertRecord) -> None:
        """Let *new* stand where *old*, another firing of the same signal, stood until now."""
        self.open_alerts += (not new.ended) - (not old.ended)
        self.changes += 1
        self.partial = self.partial or TRUNCATED in new.flags

    def worsen(self, repetition: AlertRecord) -> None:
        """Let what a repetition says of its firing count, where that is worse."""
        known = self.onsets.get(repetition.fingerprint)
        if known is not None:
            self.severity = max(self.severity, repetition.severity)
            worst = earlier_and_worse(known, alert_of(repetition))
            self.onsets[repetition.fingerprint] = worst._replace(id=known.id, ts=known.ts)

    def absorb(self, other: Draft) -> None:
        """Take in all of *other*."""
        self.alert_count += other.alert_count
        self.open_alerts += other.open_alerts
        self.event_count += other.event_count
        self.changes += other.changes + 1
        self.sources |= other.sources
        self.severity, self.partial = max(self.severity, other.severity), self.partial or other.partial
        self.last_end, self.last_at = max(self.last_end, other.last_end), max(self.last_at, other.last_at)
        self.first_at, self.touched_at = (
            min(self.first_at, other.first_at),
            max(self.touched_at, other.touched_at),
        )
        for onset in other.onsets.values():
            self._onset(onset)
        for service, alerts in other.outline.items():
            for alert in alerts:
                self.outline[service] = extended(self.outline.get(service, ()), alert, self._reach_ms)

    def rebuild(self, left: Iterable[AlertRecord], gone: Sequence[AlertRecord]) -> None:
        """Go on without *gone*; *left* are all firings that stay and are still known one by one."""
        self.alert_count -= len(gone)
        self.open_alerts -= sum(not firing.ended for firing in gone)
        self.event_count = max(self.event_count - len(gone), 0)
        self.changes += 1
        self.redraw(left, gone)

    def redraw(self, left: Iterable[AlertRecord], gone: Iterable[AlertRecord]) -> None:
        """Work out anew what hangs on the alerts themselves, after *gone* left.

        *left* are all firings known one by one; a signal may be known by its onset alone.
        """
        left, gone = list(left), list(gone)
        known = {firing.id for firing in (*left, *gone)}
        for fingerprint in {firing.fingerprint for firing in gone}:
            onset = self.onsets.pop(fingerprint, None)
            alerts = [alert_of(firing) for firing in left if firing.fingerprint == fingerprint]
            for alert in (*alerts, *([onset] if onset and onset.id not in known else [])):
                self._onset(alert)
        alerts = [*self.onsets.values(), *map(alert_of, left)]
        self.outline = {}
        for alert in sorted({a.id: a for a in alerts}.values(), key=moment):
            kept = self.outline.get(alert.service, ())
            self.outline[alert.service] = extended(kept, alert, self._reach_ms)
        self.severity = max(alert.severity for alert in alerts)
        self.first_at, self.last_at = min(a.ts for a in alerts), max(a.ts for a in alerts)
        self.sources = {firing.source for firing in left} or self.sources
        unknown = len(left) < self.alert_count
        self.partial = any(TRUNCATED in f.flags for f in left) or (self.partial and unknown)
        self.reckon_end(left)

    def reckon_end(self, firings: Iterable[AlertRecord]) -> None:
        """Find the latest end anew, of all *firings* of the incident that are known one by one."""
        self.last_end = max((firing.ends_at or 0 for firing in firings), default=self.first_at)
        self.end_shrank = False

    def finished(self, *, suppressed: bool, live: bool = True) -> LiveIncident:
        """The incident as it stands now."""
        record = self.record
        is_open = self.open_alerts > 0
        reopened = is_open and record.status == RESOLVED
        acknowledged = None if reopened else record.acknowledged_at
        ends = max(self.last_end, self.first_at)
        now = record._replace(
            status=_status(record, is_open, acknowledged),
            opened_at=self.first_at,
            updated_at=max(self.last_at, self.last_end, self.touched_at),
            resolved_at=None if is_open else ends,
            services=tuple(sorted(self.outline)),
            sources=tuple(sorted(self.sources)),
            alert_count=self.alert_count,
            signal_count=len(self.onsets),
            open_alerts=self.open_alerts,
            event_count=self.event_count,
            max_severity=self.severity,
            partial=self.partial,
            suppressed=suppressed,
            acknowledged_at=acknowledged,
            acknowledged_by=record.acknowledged_by if acknowledged else "",
            resolved_by="" if is_open else record.resolved_by,
            reopened=record.reopened + reopened,
            changes=self.changes,
            live=live,
        )
        spans = (self.last_end, self.first_at, self.last_at, self.touched_at)
        return LiveIncident(now, self.onsets, self.outline, *spans)

    def _show(self, firing: AlertRecord) -> None:
        """Let the firing be seen in onsets and outline, if it adds to them."""
        self.severity = max(self.severity, firing.severity)
        self.partial = self.partial or TRUNCATED in firing.flags
        alert = alert_of(firing)
        self._onset(alert)
        kept = self.outline.get(firing.service, ())
        if not any(a.id == alert.id and a.ts == alert.ts for a in kept):
            others = tuple(a for a in kept if a.id != alert.id)
            self.outline[firing.service] = extended(others, alert, self._reach_ms)

    def _onset(self, alert: Alert) -> None:
        """Keep of each signal its first time and the worst that was told of it."""
        known = self.onsets.get(alert.fingerprint)
        if known is None:
            self.onsets[alert.fingerprint] = alert
            return
        if known.ts < alert.ts and known.severity == alert.severity and known.value == alert.value:
            return
        self.onsets[alert.fingerprint] = earlier_and_worse(known, alert)

    def _count_end(self, firing: AlertRecord) -> None:
        if firing.ended:
            self.last_end = max(self.last_end, firing.ends_at or 0)
        else:
            self.open_alerts += 1


def _status(record: IncidentRecord, is_open: bool, acknowledged: int | None) -> str:  # noqa: FBT001 - one caller
    if record.merged_into:
        return MERGED
    if not is_open:
        return RESOLVED
    return ACKNOWLEDGED if acknowledged else OPEN


def _empty(id: str, order: int) -> IncidentRecord:
    return IncidentRecord(
        id=id,
        status=OPEN,
        order=order,
        opened_at=0,
        updated_at=0,
        resolved_at=None,
        services=(),
        sources=(),
        alert_count=0,
        signal_count=0,
        open_alerts=0,
        event_count=0,
        max_severity=Severity.INFO,
        partial=False,
        suppressed=False,
        merged_into=None,
        split_from=None,
        acknowledged_at=None,
        acknowledged_by="",
        snoozed_until=None,
        resolved_by="",
        by_hand=False,
        reopened=0,
        changes=0,
        live=True,
    )
