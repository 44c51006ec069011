"""Who folds, and how far: one row, moved only by whoever holds the lease."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection, case, func, select, text, update

from aiops_rca.adapters.store.tables import UNFINISHED, incidents, outbox, standing
from aiops_rca.domain.errors import LeaseLostError
from aiops_rca.live.records import ACKNOWLEDGED, OPEN
from aiops_rca.live.rows import Standing

WAITING = "waiting"  # an outbox row that is still to be sent
_HERE = standing.c.id == 1


class Step(NamedTuple):
    """One move of the offset, from the journal's number *after* to *upto*."""

    after: int
    upto: int
    now: int
    holder: str
    ttl_ms: int


def read_standing(connection: Connection) -> Standing:
    """The standing as it is; cheap. Open, acknowledged and the oldest leave suppressed incidents out."""
    row = connection.execute(select(standing).where(_HERE)).one()
    waiting = connection.execute(_WAITING_ROWS).all()
    retrying = {target: in_vain for target, _, in_vain in waiting if in_vain}
    outbox_counts = (sum(rows for _, rows, _ in waiting), row.outbox_sent, row.outbox_failed, retrying)
    return Standing._make((*row[1:8], *_unfinished(connection), *outbox_counts))


def take(
    connection: Connection, holder: str, *, now: int, ttl_ms: int, is_dead: Callable[[str], bool]
) -> bool:
    """Make *holder* the one who folds, unless another one does who is neither dead nor late."""
    row = connection.execute(select(standing).where(_HERE).with_for_update()).one()
    held = row.holder not in {"", holder} and row.lease_until > now
    if held and not is_dead(row.holder):
        return False
    connection.execute(update(standing).where(_HERE).values(holder=holder, lease_until=now + ttl_ms))
    return True


def give_back(connection: Connection, holder: str) -> None:
    """End the lease of *holder*, if it still has one."""
    mine = update(standing).where(_HERE, standing.c.holder == holder)
    connection.execute(mine.values(holder="", lease_until=0))


def move(connection: Connection, step: Step, *, events: int, repeated: int, incidents: int) -> int:
    """Move the offset and prolong the lease; return the revision before, after which *incidents* follow.

    Raises LeaseLostError unless the offset and the holder are those that *step* was made for.
    """
    row = connection.execute(select(standing).where(_HERE).with_for_update()).one()
    if row.holder != step.holder:
        raise LeaseLostError(f"the lease is no longer held by {step.holder}")
    if row.seq != step.after:
        raise LeaseLostError(f"folded up to {row.seq}, not {step.after}")
    change = (
        update(standing)
        .where(_HERE)
        .values(
            seq=step.upto,
            now=step.now,
            lease_until=step.now + step.ttl_ms,
            revision=row.revision + incidents,
            events=row.events + events,
            repeated=row.repeated + repeated,
        )
    )
    connection.execute(change)
    return int(row.revision)


class _Unfinished(NamedTuple):
    """How many incidents are not over, and since when the oldest of those that are shown is open."""

    open: int
    acknowledged: int
    suppressed: int
    oldest_open_at: int | None


def _unfinished(connection: Connection) -> _Unfinished:
    counts: Counter[str] = Counter()
    since = []
    for status, suppressed, number, oldest in connection.execute(_BY_STATUS):
        counts["suppressed" if suppressed else status] += number
        since += [] if suppressed else [oldest]
    return _Unfinished(counts[OPEN], counts[ACKNOWLEDGED], counts["suppressed"], min(since, default=None))


_BY_STATUS = (
    select(incidents.c.status, incidents.c.suppressed, func.count(), func.min(incidents.c.opened_at))
    .where(text(UNFINISHED))
    .group_by(incidents.c.status, incidents.c.suppressed)
)
_WAITING_ROWS = (
    select(outbox.c.target, func.count(), func.count(case((outbox.c.attempts > 0, 1))))
    .where(outbox.c.state == WAITING)
    .group_by(outbox.c.target)
)
