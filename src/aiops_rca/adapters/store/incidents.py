"""The incidents as stored by the one correlator that holds the lease, and given back to it after a restart.

One step is one transaction: the journal's offset moves together with everything the step has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, select

from aiops_rca.adapters.store import rows, tables
from aiops_rca.adapters.store.changing import touched, write_changes
from aiops_rca.adapters.store.engine import reading, writing
from aiops_rca.adapters.store.lease import Step, give_back, move, read_standing, take
from aiops_rca.adapters.store.outbox import enqueue
from aiops_rca.adapters.store.pruning import prune_incidents, prune_unmapped
from aiops_rca.adapters.store.reading import IncidentReader, diagnosis_of
from aiops_rca.live.records import (
    AlertRecord,
    Changes,
    DiagnosisRecord,
    IncidentRecord,
    Mark,
    Stored,
    Window,
)


class IncidentStore(IncidentReader):
    """Reads, and writes for whoever holds the lease; see `reading` for what a failing database raises."""

    def load(self) -> Stored:
        """Every live record, and the journal's number they were folded up to."""
        with reading(self._engine) as connection:
            return Stored(
                seq=read_standing(connection).seq,
                alerts=_live(connection, tables.alerts, AlertRecord, rows.alert_of),
                incidents=_live(connection, tables.incidents, IncidentRecord, rows.incident_of),
                marks=tuple(rows.mark_of(row) for row in _all(connection, tables.marks, Mark)),
                windows=tuple(rows.window_of(row) for row in _all(connection, tables.windows, Window)),
                diagnosed={told.incident: told for told in _last_diagnoses(connection)},
            )

    def take_lease(
        self, holder: str, *, now: int, ttl_ms: int, is_dead: Callable[[str], bool] = lambda _holder: False
    ) -> bool:
        """Become the one who folds until *now* + *ttl_ms*; `apply` prolongs it.

        False while another holder has a lease that has not run out and *is_dead* does not know it dead.
        """
        with writing(self._engine) as connection:
            return take(connection, holder, now=now, ttl_ms=ttl_ms, is_dead=is_dead)

    def release(self, holder: str) -> None:
        """Give the lease back, so that another one need not wait for its end."""
        with writing(self._engine) as connection:
            give_back(connection, holder)

    def apply(
        self,
        changes: Changes,
        diagnoses: Sequence[DiagnosisRecord] = (),
        *,
        after: int,
        upto: int,
        now: int,
        holder: str,
        ttl_ms: int,
        targets: int = 0,
        settle_ms: int = 0,
    ) -> int:
        """Store what folding the journal from number *after* to *upto* has changed; return the new revision.

        Each notice is put into the outbox once for each of *targets* receivers, due in *settle_ms*. All or
        nothing: raises LeaseLostError when another one has folded in between or holds the lease, RcaError
        "full" when the database cannot be used now.
        """
        step = Step(after, upto, now, holder, ttl_ms)
        count = len(touched(changes, diagnoses))
        with writing(self._engine) as connection:
            revision = move(
                connection, step, events=changes.events, repeated=changes.repeated, incidents=count
            )
            write_changes(connection, changes, diagnoses, revision)
            enqueue(connection, changes.notices, targets=targets, due_at=now + settle_ms)
        return revision + count

    def prune(self, before_ms: int) -> int:
        """Drop incidents that ended before *before_ms* with all that hangs on them; return how many.

        What people said the cause was stays. Many short transactions.
        """
        with writing(self._engine) as connection:
            prune_unmapped(connection, before_ms)
        pruned = 0
        while True:
            with writing(self._engine) as connection:
                gone = prune_incidents(connection, before_ms)
            pruned += gone
            if not gone:
                return pruned


def _live(connection: Connection, table: Any, record: type[Any], read: Callable[[Any], Any]) -> Any:
    query = rows.selecting(table, record).where(table.c.live).order_by(table.c.order, table.c.id)
    return tuple(read(row) for row in connection.execute(query))


def _all(connection: Connection, table: Any, record: type[Any]) -> list[Any]:
    return list(connection.execute(rows.selecting(table, record).order_by(*table.primary_key)))


def _last_diagnoses(connection: Connection) -> list[DiagnosisRecord]:
    incidents, diagnoses = tables.incidents, tables.diagnoses
    last = and_(diagnoses.c.incident == incidents.c.id, diagnoses.c.number == incidents.c.diagnosis)
    columns = (diagnoses.c[name] for name in rows.DIAGNOSIS_COLUMNS)
    query = select(*columns).select_from(incidents.join(diagnoses, last)).where(incidents.c.live)
    return [diagnosis_of(row) for row in connection.execute(query.order_by(incidents.c.order))]
