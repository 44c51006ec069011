"""Notifications to be sent: rows that appear with the incidents they tell of, until they are settled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Update, delete, func, select, update

from aiops_rca.adapters.store import bulk
from aiops_rca.adapters.store.engine import reading, writing
from aiops_rca.adapters.store.lease import WAITING
from aiops_rca.adapters.store.tables import alerts, outbox, standing
from aiops_rca.domain.alert import Severity
from aiops_rca.live.records import Notice
from aiops_rca.live.rows import Delivered, OutboxRow, Told

_SENT = "sent"
_FAILED = "failed"
_ADDED = ("incident", "occasion", "at", "target", "due_at", "attempts", "state", "error", "first_due_at")
_COUNTERS = {_SENT: standing.c.outbox_sent, _FAILED: standing.c.outbox_failed}
_ROW = tuple(outbox.c[name] for name in OutboxRow._fields)


class Outbox:
    """What the notifier works from. Several rows may be settled by one message, so ids come in lists.

    Raises RcaError "full" or "not_ready" when the database cannot be used now.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def due(self, until: int, limit: int, *, target: int) -> list[OutboxRow]:
        """Rows of *target* that may be sent by *until* (epoch ms), the longest waiting first."""
        theirs = (outbox.c.state == WAITING, outbox.c.target == target, outbox.c.due_at <= until)
        query = select(*_ROW).where(*theirs).order_by(outbox.c.due_at, outbox.c.id)
        with reading(self._engine) as connection:
            return [OutboxRow(*row) for row in connection.execute(query.limit(limit))]

    def waiting(self, incidents: Collection[str], *, target: int) -> list[OutboxRow]:
        """All that waits to be told to *target* of *incidents*, due or not, the longest waiting first."""
        theirs = (outbox.c.incident.in_(incidents), outbox.c.target == target, outbox.c.state == WAITING)
        query = select(*_ROW).where(*theirs).order_by(outbox.c.due_at, outbox.c.id)
        with reading(self._engine) as connection:
            return [OutboxRow(*row) for row in connection.execute(query)]

    def told(self, incidents: Collection[str], *, target: int) -> dict[str, Told]:
        """What *target* was last told of those of *incidents* of which it was told anything."""
        theirs = (outbox.c.incident.in_(incidents), outbox.c.target == target, outbox.c.state == _SENT)
        query = select(outbox.c.incident, outbox.c.told, outbox.c.severity).where(*theirs)
        found: dict[str, Told] = {}
        with reading(self._engine) as connection:
            for incident, told, severity in connection.execute(
                query.order_by(outbox.c.settled_at, outbox.c.id)
            ):
                before = found[incident].severity if incident in found else min(Severity)
                found[incident] = Told(told, max(before, Severity(severity or min(Severity))))
        return found

    def heard(self, incident: str) -> int | None:
        """When (epoch ms) any alert of *incident* was last told; None where none is known any more."""
        query = select(func.max(alerts.c.seen_at)).where(alerts.c.incident == incident)
        with reading(self._engine) as connection:
            last: int | None = connection.execute(query).scalar_one()
        return last

    def sent(self, delivered: Sequence[Delivered], now: int) -> None:
        """The receiver has been told."""
        with writing(self._engine) as connection:
            for ids, said in delivered:
                values = {"told": said.occasion, "severity": int(said.severity)}
                _settle(connection, ids, _SENT, values | {"error": "", "settled_at": now})

    def give_up(self, ids: Sequence[int], now: int, error: str) -> None:
        """The receiver will not be told; *error* says why."""
        with writing(self._engine) as connection:
            values = {"error": bulk.writable(connection, error), "settled_at": now}
            _settle(connection, ids, _FAILED, values)

    def retry(self, ids: Sequence[int], next_at: int, error: str) -> None:
        """Sending failed; try again at *next_at* (epoch ms)."""
        with writing(self._engine) as connection:
            values = {"due_at": next_at, "error": bulk.writable(connection, error)}
            connection.execute(_waiting(ids).values(attempts=outbox.c.attempts + 1, **values))

    def drop(self, ids: Sequence[int]) -> None:
        """Not told on purpose: another message says it, or nothing is left to say. Not counted."""
        self._delete(outbox.c.id.in_(ids))

    def drop_targets(self, first: int) -> None:
        """Forget what waits for *first* and all after it: those receivers are no longer in the settings."""
        self._delete(outbox.c.target >= first)

    def _delete(self, condition: Any) -> None:
        with writing(self._engine) as connection:
            connection.execute(delete(outbox).where(outbox.c.state == WAITING, condition))


def enqueue(connection: Connection, notices: Sequence[Notice], *, targets: int, due_at: int) -> None:
    """Add a row for each notice and receiver."""
    rest = (due_at, 0, WAITING, "", due_at)
    added = [(*notice, target, *rest) for notice in notices for target in range(targets)]
    bulk.insert(connection, outbox, _ADDED, added)


def _settle(connection: Connection, ids: Sequence[int], state: str, values: dict[str, Any]) -> None:
    """A row is settled, and counted, once."""
    counter = _COUNTERS[state]
    settled = connection.execute(_waiting(ids).values(state=state, **values)).rowcount
    if settled:
        connection.execute(update(standing).values({counter: counter + settled}))


def _waiting(ids: Sequence[int]) -> Update:
    return update(outbox).where(outbox.c.id.in_(ids), outbox.c.state == WAITING)
