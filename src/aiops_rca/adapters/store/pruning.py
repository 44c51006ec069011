"""What is old enough to go: incidents that are over, with all that hangs on them."""

from __future__ import annotations

from sqlalchemy import Connection, delete, exists, func, or_, select

from aiops_rca.adapters.store import tables
from aiops_rca.live.records import MERGED, RESOLVED

_AT_ONCE = 100
_HANGING = (
    (tables.alerts, tables.alerts.c.incident),
    (tables.happenings, tables.happenings.c.incident),
    (tables.diagnoses, tables.diagnoses.c.incident),
    (tables.facets, tables.facets.c.incident),
    (tables.outbox, tables.outbox.c.incident),
    (tables.incidents, tables.incidents.c.id),
)


def prune_incidents(connection: Connection, before_ms: int) -> int:
    """Drop some incidents that ended before *before_ms*; return how many.

    One that was merged stays as long as the incident it forwards to.
    """
    column = tables.incidents.c
    survivor = tables.incidents.alias("survivor")
    forwards = exists().where(survivor.c.id == column.merged_into)
    ended = func.coalesce(column.resolved_at, column.updated_at) < before_ms
    over = or_(column.status == RESOLVED, (column.status == MERGED) & ~forwards)
    query = select(column.id).where(ended, over, column.live.is_(False)).limit(_AT_ONCE)
    ids = connection.execute(query.order_by(column.opened_at)).scalars().all()
    for table, incident in _HANGING if ids else ():
        connection.execute(delete(table).where(incident.in_(ids)))
    return len(ids)


def prune_unmapped(connection: Connection, before_ms: int) -> None:
    """Forget unmapped names that nobody has sent since *before_ms*."""
    connection.execute(delete(tables.unmapped).where(tables.unmapped.c.last_at < before_ms))
