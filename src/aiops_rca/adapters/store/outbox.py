"""Notifications to be sent: rows that appear with the incidents they tell of, until they are settled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Update, delete, select, update

from aiops_rca.adapters.store import bulk
from aiops_rca.adapters.store.engine import reading, writing
from aiops_rca.adapters.store.lease import WAITING
from aiops_rca.adapters.store.tables import outbox, standing
from aiops_rca.live.records import Notice
from aiops_rca.live.rows import OutboxRow

_SENT = "sent"
_FAILED = "failed"
_ADDED = ("incident", "occasion", "at", "target", "due_at", "attempts", "state", "error")
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

    def sent(self, ids: Sequence[int], now: int) -> None:
        """The receiver has been told."""
        self._settle(ids, _SENT, "", now)

    def give_up(self, ids: Sequence[int], now: int, error: str) -> None:
        """The receiver will not be told; *error* says why."""
        self._settle(ids, _FAILED, error, now)

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

    def _settle(self, ids: Sequence[int], state: str, error: str, now: int) -> None:
        """A row is settled, and counted, once."""
        counter = _COUNTERS[state]
        with writing(self._engine) as connection:
            values = {"state": state, "error": bulk.writable(connection, error), "settled_at": now}
            settled = connection.execute(_waiting(ids).values(**values)).rowcount
            if settled:
                connection.execute(update(standing).values({counter: counter + settled}))


def enqueue(connection: Connection, notices: Sequence[Notice], *, targets: int, due_at: int) -> None:
    """Add a row for each notice and receiver."""
    rest = (due_at, 0, WAITING, "")
    added = [(*notice, target, *rest) for notice in notices for target in range(targets)]
    bulk.insert(connection, outbox, _ADDED, added)


def _waiting(ids: Sequence[int]) -> Update:
    return update(outbox).where(outbox.c.id.in_(ids), outbox.c.state == WAITING)
