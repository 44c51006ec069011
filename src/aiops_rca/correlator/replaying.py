"""A journal folded anew, in memory: the same incidents from the same entries, on any day and any machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aiops_rca.correlator.digesting import Digestion
from aiops_rca.domain.release import Release
from aiops_rca.live.entry import Entry
from aiops_rca.live.members import onsets_of
from aiops_rca.live.records import AlertRecord, Changes, IncidentRecord
from aiops_rca.live.signals import REPEATED
from aiops_rca.live.state import Rules, State
from aiops_rca.pipeline import diagnose_cluster
from aiops_rca.report import diagnosis_out
from aiops_rca.wire.live import DiagnosisOut

REASON = "replay"


class Replay:
    """All that *entries* made, and what of it is known at *until* (epoch ms)."""

    def __init__(self, batches: Iterable[Sequence[Entry]], rules: Rules, *, until: int) -> None:
        self._alerts: dict[str, AlertRecord] = {}
        self._members: dict[str, set[str]] = {}
        self._incidents: dict[str, IncidentRecord] = {}
        self._until = until
        self._digestion = Digestion(rules, lambda ids: ids & self._alerts.keys())
        state = State()
        for batch in batches:
            entries = [entry for entry in batch if entry.received_at <= until]
            if entries:
                state = self._fold(state, entries, now=max(e.received_at for e in entries))
        self._fold(state, (), now=until)

    def incidents(self) -> list[IncidentRecord]:
        """Every incident that was not merged into another one, by opening."""
        kept = (record for record in self._incidents.values() if record.merged_into is None)
        return sorted(kept, key=lambda record: (record.opened_at, record.id))

    def alerts(self, incident: str) -> list[AlertRecord]:
        """The firings of *incident* by start, repetitions left out."""
        rows = (self._alerts[id] for id in self._members.get(incident, ()))
        return sorted((row for row in rows if row.ended != REPEATED), key=lambda row: (row.at, row.id))

    def diagnosis(self, incident: str, release: Release, versions: Mapping[str, str]) -> DiagnosisOut | None:
        """What *release* says of all alerts of *incident*; None when it has none."""
        alerts = onsets_of(self.alerts(incident))
        if not alerts:
            return None
        found = diagnose_cluster(alerts, release)
        return diagnosis_out(found, release, number=1, made_at=self._until, reason=REASON, versions=versions)

    def _fold(self, state: State, entries: Sequence[Entry], *, now: int) -> State:
        while True:
            digest = self._digestion.digest(state, entries, now=now)
            self._keep(digest.changes)
            state, entries = digest.state, entries[len(digest.eaten) :]
            if not entries:
                return state

    def _keep(self, changes: Changes) -> None:
        for row in changes.alerts:
            before = self._alerts.get(row.id)
            if before is not None and before.incident != row.incident:
                self._members[before.incident].discard(row.id)
            self._alerts[row.id] = row
            self._members.setdefault(row.incident, set()).add(row.id)
        self._incidents.update((record.id, record) for record in changes.incidents)
        for record in changes.incidents:
            if record.merged_into is not None:
                self._move(record.id, self._last(record.merged_into))

    def _last(self, incident: str) -> str:
        """The incident that *incident* is part of in the end."""
        while (into := self._incidents[incident].merged_into) is not None:
            incident = into
        return incident

    def _move(self, incident: str, into: str) -> None:
        moved = self._members.pop(incident, set())
        self._members.setdefault(into, set()).update(moved)
        for id in moved:
            self._alerts[id] = self._alerts[id]._replace(incident=into)
