"""One step's changes written down, inside the transaction that moves the offset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from aiops_rca.adapters.store import bulk, rows, tables
from aiops_rca.adapters.store.reading import SERVICE, SOURCE
from aiops_rca.live.records import Changes, DiagnosisRecord, IncidentRecord, Unmapped

_IDS_AT_ONCE = 1000
_INCIDENT = (*rows.INCIDENT_COLUMNS, "revision")


def touched(changes: Changes, diagnoses: Sequence[DiagnosisRecord]) -> list[str]:
    """The ids of the incidents that a step changes, each once: every one of them gets a new revision."""
    changed = [record.id for record in changes.incidents]
    return list(dict.fromkeys((*changed, *(record.incident for record in diagnoses))))


def write_changes(
    connection: Connection, changes: Changes, diagnoses: Sequence[DiagnosisRecord], revision: int
) -> None:
    """Write everything; revisions count on from *revision*, in the order of `touched`."""
    ids = touched(changes, diagnoses)
    revisions = dict(zip(ids, range(revision + 1, revision + len(ids) + 1), strict=True))
    bulk.upsert(connection, tables.alerts, rows.ALERT_COLUMNS, [rows.alert_row(a) for a in changes.alerts])
    _write_facets(connection, changes.incidents)
    told = [(*rows.incident_row(record), revisions[record.id]) for record in changes.incidents]
    bulk.upsert(connection, tables.incidents, _INCIDENT, told)
    _move_alerts(connection, changes.incidents)
    _write_diagnoses(connection, diagnoses, revisions)
    _write_state_of_the_fold(connection, changes)
    bulk.insert(connection, tables.happenings, rows.HAPPENING_COLUMNS, changes.happenings)
    bulk.upsert(connection, tables.feedback, rows.FEEDBACK_COLUMNS, changes.feedback)
    _count_unmapped(connection, changes.unmapped)


def _write_facets(connection: Connection, records: Sequence[IncidentRecord]) -> None:
    """What incidents are looked up by; most changes of an incident leave it as it is."""
    facets = tables.facets
    known = _known_facets(connection, [record.id for record in records])
    stale = [record for record in records if known.get(record.id) != rows.incident_row(record)[6:8]]
    for some in _chunks([record.id for record in stale if record.id in known]):
        connection.execute(delete(facets).where(facets.c.incident.in_(some)))
    words = [(SERVICE, word, record.id) for record in stale for word in record.services]
    words += [(SOURCE, word, record.id) for record in stale for word in record.sources]
    bulk.keep_first(connection, facets, ("kind", "word", "incident"), words)


def _known_facets(connection: Connection, ids: list[str]) -> dict[str, tuple[str, str]]:
    column = tables.incidents.c
    query = select(column.id, column.services, column.sources)
    found = (connection.execute(query.where(column.id.in_(some))) for some in _chunks(ids))
    return {row[0]: (row[1], row[2]) for result in found for row in result}


def _move_alerts(connection: Connection, records: Iterable[IncidentRecord]) -> None:
    """The firings of a merged incident go over to the survivor; those of a dead one die with it."""
    into = {record.id: record.merged_into for record in records if record.merged_into}
    moves = [{"old": old, "new": _last_of(old, into)} for old in into]
    dead = [{"old": record.id} for record in records if not record.live]
    of = tables.alerts.c.incident == bindparam("old")
    if moves:
        connection.execute(update(tables.alerts).where(of).values(incident=bindparam("new")), moves)
    if dead:
        ending = update(tables.alerts).where(of, tables.alerts.c.live).values(live=False)
        connection.execute(ending, dead)


def _last_of(incident: str, into: dict[str, str]) -> str:
    seen = {incident}
    while (following := into.get(incident)) is not None and following not in seen:
        seen.add(following)
        incident = following
    return incident


def _write_diagnoses(
    connection: Connection, diagnoses: Sequence[DiagnosisRecord], revisions: dict[str, int]
) -> None:
    bulk.upsert(connection, tables.diagnoses, rows.DIAGNOSIS_COLUMNS, diagnoses)
    if diagnoses:
        newest = {told.incident: told for told in diagnoses}
        connection.execute(
            _named_last(),
            [
                {
                    "of": told.incident,
                    "number": told.number,
                    "cause": bulk.writable(connection, told.root_cause),
                    "newest": revisions[told.incident],
                }
                for told in newest.values()
            ],
        )


@cache
def _named_last() -> Any:
    return (
        update(tables.incidents)
        .where(tables.incidents.c.id == bindparam("of"))
        .values(diagnosis=bindparam("number"), root_cause=bindparam("cause"), revision=bindparam("newest"))
    )


def _write_state_of_the_fold(connection: Connection, changes: Changes) -> None:
    """Marks and windows; what was added and dropped in one step is gone."""
    bulk.upsert(connection, tables.marks, rows.MARK_COLUMNS, [rows.mark_row(m) for m in changes.marks])
    if changes.marks_dropped:
        dropped = [
            dict(zip(rows.MARK_COLUMNS, rows.mark_row(mark), strict=True)) for mark in changes.marks_dropped
        ]
        connection.execute(_dropped_mark(), dropped)
    windows = [rows.window_row(window) for window in changes.windows]
    bulk.upsert(connection, tables.windows, rows.WINDOW_COLUMNS, windows)
    if changes.windows_dropped:
        over = tables.windows.c.id.in_(changes.windows_dropped)
        connection.execute(delete(tables.windows).where(over))


@cache
def _dropped_mark() -> Any:
    column = tables.marks.c
    return delete(tables.marks).where(and_(*(column[name] == bindparam(name) for name in rows.MARK_COLUMNS)))


def _count_unmapped(connection: Connection, seen: Sequence[Unmapped]) -> None:
    if seen:
        given = [dict(zip(rows.UNMAPPED_COLUMNS, rows.unmapped_row(one), strict=True)) for one in seen]
        connection.execute(_added_unmapped(connection.dialect.name), given)


@cache
def _added_unmapped(dialect: str) -> Any:
    table = tables.unmapped
    statement: Any = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["source", "service"],
        set_={
            "times": table.c.times + new.times,
            "last_at": case((new.last_at > table.c.last_at, new.last_at), else_=table.c.last_at),
            "labels": new.labels,
        },
    )


def _chunks(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + _IDS_AT_ONCE] for start in range(0, len(ids), _IDS_AT_ONCE))
