"""Incidents as the web pages read them: lists in pages, details, and what changed since."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Engine, Select, and_, exists, or_, select, text

from aiops_rca.adapters.store import rows, tables
from aiops_rca.adapters.store.engine import reading
from aiops_rca.adapters.store.lease import read_standing
from aiops_rca.live.records import (
    ACKNOWLEDGED,
    OPEN,
    AlertRecord,
    DiagnosisRecord,
    Feedback,
    Happening,
    Unmapped,
    Window,
)
from aiops_rca.live.rows import IncidentRow, Standing, Wanted
from aiops_rca.live.signals import REPEATED

SERVICE = "service"  # kinds of facets
SOURCE = "source"
_IDS_AT_ONCE = 1000
_incidents, _diagnoses = tables.incidents, tables.diagnoses
_WIDTH = len(rows.INCIDENT_COLUMNS)


class IncidentReader:
    """Reads what the correlator has stored; every method raises RcaError "not_ready" when it cannot."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def incidents(
        self, wanted: Wanted, *, before: tuple[int, str] | None = None, limit: int
    ) -> list[IncidentRow]:
        """The *wanted* incidents, newest `opened_at` first, then by id, from the one after *before* on."""
        query = _with_diagnosis().where(*_conditions(wanted))
        if before is not None:
            opened_at, incident = before
            same_time = and_(_incidents.c.opened_at == opened_at, _incidents.c.id > incident)
            query = query.where(_incidents.c.opened_at <= opened_at)
            query = query.where(or_(_incidents.c.opened_at < opened_at, same_time))
        return self._incident_rows(
            query.order_by(_incidents.c.opened_at.desc(), _incidents.c.id).limit(limit)
        )

    def incident(self, incident: str) -> IncidentRow | None:
        """One incident, whatever has become of it."""
        found = self._incident_rows(_with_diagnosis().where(_incidents.c.id == incident))
        return found[0] if found else None

    def changed(self, after_revision: int, limit: int) -> list[IncidentRow]:
        """The incidents that have changed since *after_revision*, by revision."""
        query = _with_diagnosis().where(_incidents.c.revision > after_revision)
        return self._incident_rows(query.order_by(_incidents.c.revision).limit(limit))

    def alerts(self, incident: str, *, after: int | None = None, limit: int) -> list[AlertRecord]:
        """The firings of one incident by their order, from the one after the order *after* on.

        Rows that only repeat the firing before them are left out.
        """
        theirs = (tables.alerts.c.incident == incident, tables.alerts.c.ended != REPEATED)
        query = rows.selecting(tables.alerts, AlertRecord).where(*theirs)
        if after is not None:
            query = query.where(tables.alerts.c.order > after)
        found = self._rows(query.order_by(tables.alerts.c.order, tables.alerts.c.id).limit(limit))
        return [rows.alert_of(row) for row in found]

    def timeline(self, incident: str, limit: int) -> list[Happening]:
        """The newest *limit* happenings of one incident, oldest first."""
        table = tables.happenings
        query = rows.selecting(table, Happening).where(table.c.incident == incident)
        found = self._rows(query.order_by(table.c.at.desc(), table.c.id.desc()).limit(limit))
        return [Happening(*row) for row in reversed(found)]

    def diagnoses(self, incident: str) -> list[DiagnosisRecord]:
        """Every diagnosis of one incident, the first one first."""
        query = rows.selecting(_diagnoses, DiagnosisRecord).where(_diagnoses.c.incident == incident)
        return [diagnosis_of(row) for row in self._rows(query.order_by(_diagnoses.c.number))]

    def unmapped(self, limit: int, after: tuple[int, str, str] | None = None) -> list[Unmapped]:
        """What could not be mapped, most often first; *after* is (times, source, service) of the last."""
        table = tables.unmapped
        query = rows.selecting(table, Unmapped)
        if after is not None:
            times, source, service = after
            same_source = and_(table.c.source == source, table.c.service > service)
            same_times = and_(table.c.times == times, or_(table.c.source > source, same_source))
            query = query.where(or_(table.c.times < times, same_times))
        query = query.order_by(table.c.times.desc(), table.c.source, table.c.service)
        return [rows.unmapped_of(row) for row in self._rows(query.limit(limit))]

    def feedback(self, limit: int, after: tuple[int, str] | None = None) -> list[Feedback]:
        """What people said the cause was, oldest first; *after* is (at, id) of the last one seen."""
        table = tables.feedback
        query = rows.selecting(table, Feedback)
        if after is not None:
            at, last = after
            query = query.where(or_(table.c.at > at, and_(table.c.at == at, table.c.id > last)))
        return [Feedback(*row) for row in self._rows(query.order_by(table.c.at, table.c.id).limit(limit))]

    def windows(self) -> list[Window]:
        """The maintenance windows that are not over, by start."""
        table = tables.windows
        found = self._rows(rows.selecting(table, Window).order_by(table.c.starts_at, table.c.id))
        return [rows.window_of(row) for row in found]

    def known_alerts(self, ids: Collection[str]) -> set[str]:
        """Those of the alert *ids* that were ever stored and not pruned."""
        wanted, known = list(ids), set[str]()
        with reading(self._engine) as connection:
            for start in range(0, len(wanted), _IDS_AT_ONCE):
                some = tables.alerts.c.id.in_(wanted[start : start + _IDS_AT_ONCE])
                known.update(connection.execute(select(tables.alerts.c.id).where(some)).scalars())
        return known

    def standing(self) -> Standing:
        """How far the journal is folded, and what there is; cheap enough for every scrape."""
        with reading(self._engine) as connection:
            return read_standing(connection)

    def _incident_rows(self, query: Select[Any]) -> list[IncidentRow]:
        return [incident_row_of(row) for row in self._rows(query)]

    def _rows(self, query: Select[Any]) -> list[Any]:
        with reading(self._engine) as connection:
            return list(connection.execute(query))


def incident_row_of(row: Any) -> IncidentRow:
    """One row of `_with_diagnosis`."""
    told = row[_WIDTH + 1 :]
    return IncidentRow(
        rows.incident_of(row[:_WIDTH]),
        None if told[0] is None else diagnosis_of(told),
        row[_WIDTH],
    )


def diagnosis_of(row: Any) -> DiagnosisRecord:
    """The diagnosis in a row; a driver may hand its document out as a view of memory."""
    return DiagnosisRecord._make((*row[:-1], bytes(row[-1])))


def _with_diagnosis() -> Select[Any]:
    last = and_(_diagnoses.c.incident == _incidents.c.id, _diagnoses.c.number == _incidents.c.diagnosis)
    columns = [_incidents.c[name] for name in rows.INCIDENT_COLUMNS]
    told = [_diagnoses.c[name] for name in rows.DIAGNOSIS_COLUMNS]
    return select(*columns, _incidents.c.revision, *told).select_from(_incidents.outerjoin(_diagnoses, last))


def _conditions(wanted: Wanted) -> list[Any]:
    column = _incidents.c
    given: list[tuple[object, Callable[[], Any]]] = [
        (wanted.statuses or None, lambda: column.status.in_(wanted.statuses)),
        (_only_unfinished(wanted), lambda: text(tables.UNFINISHED)),
        (wanted.service, lambda: _has_facet(SERVICE, wanted.service)),
        (wanted.source, lambda: _has_facet(SOURCE, wanted.source)),
        (wanted.root_cause, lambda: column.root_cause == wanted.root_cause),
        (wanted.opened_from, lambda: column.opened_at >= wanted.opened_from),
        (wanted.opened_until, lambda: column.opened_at < wanted.opened_until),
        (wanted.suppressed, lambda: column.suppressed.is_(wanted.suppressed)),
    ]
    return [condition() for value, condition in given if value is not None]


def _only_unfinished(wanted: Wanted) -> bool | None:
    """Whether to say once more what the statuses say, for the sake of the index."""
    return (bool(wanted.statuses) and {*wanted.statuses} <= {OPEN, ACKNOWLEDGED}) or None


def _has_facet(kind: str, word: str | None) -> Any:
    facets = tables.facets
    return exists().where(facets.c.kind == kind, facets.c.word == word, facets.c.incident == _incidents.c.id)
