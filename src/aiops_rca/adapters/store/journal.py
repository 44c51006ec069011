"""The append-only record of everything accepted, and the quarantine of what could not be read.

Numbers grow in the order of commits, so a reader that goes on from the last number it saw misses nothing.
A database that cannot be used now is an RcaError: "full" for who writes, "not_ready" for who reads; the
next call tries again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, case, delete, func, select, text, update

from aiops_rca.adapters.store import bulk
from aiops_rca.adapters.store.engine import is_sqlite, reading, writing
from aiops_rca.adapters.store.tables import journal, quarantine
from aiops_rca.live.entry import Entry
from aiops_rca.live.faults import FOLD_FAILED
from aiops_rca.live.rows import Draft, Head, Lag, QuarantineCount, Quarantined, Refused

_ONE_WRITER = 0x61696F70_6A6F7572  # PostgreSQL's advisory lock of everyone who appends
_READ_ROWS = 64
_PRUNED_AT_ONCE = 500
_SHOWN_BYTES = 4096
_ENTRY = (journal.c.seq, journal.c.received_at, journal.c.kind, journal.c.source, journal.c.payload)
_DRAFT_COLUMNS = ("received_at", "kind", "source", "alerts", "total", "payload")
_REFUSED_COLUMNS = ("received_at", "source", "field", "reason", "headers", "body")


class Journal:
    """The journal in one database; any number of processes may append and read at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, drafts: Sequence[Draft], refused: Sequence[Refused] = ()) -> int:
        """Keep everything, or nothing, on disk before returning; return the highest number there is."""
        with writing(self._engine) as connection:
            _alone(connection, self._engine)
            seq, total = _last(connection)
            bulk.insert(connection, journal, _DRAFT_COLUMNS, _running(drafts, total))
            bulk.insert(connection, quarantine, _REFUSED_COLUMNS, [_refused_row(r) for r in refused])
            return _last(connection)[0] if drafts else seq

    def read(self, after: int, *, limit: int) -> list[Entry]:
        """The entries that follow number *after*: at least one, and no more once they hold *limit* alerts."""
        query = select(*_ENTRY, journal.c.alerts).where(journal.c.seq > after).order_by(journal.c.seq)
        with reading(self._engine) as connection:
            return _first(connection, query, limit)

    def recent(self, limit: int) -> list[Entry]:
        """The newest entries, up to *limit* alerts, oldest first."""
        query = select(*_ENTRY, journal.c.alerts).order_by(journal.c.seq.desc())
        with reading(self._engine) as connection:
            return _first(connection, query, limit)[::-1]

    def entry(self, seq: int) -> Entry | None:
        """The entry with the number *seq*, unless it was pruned or never was."""
        with reading(self._engine) as connection:
            row = connection.execute(select(*_ENTRY).where(journal.c.seq == seq)).first()
        return Entry(*row) if row else None

    def head(self) -> Head:
        """Where the journal stands; cheap."""
        newest = select(journal.c.seq, journal.c.received_at, journal.c.total)
        with reading(self._engine) as connection:
            row = connection.execute(newest.order_by(journal.c.seq.desc()).limit(1)).first()
            oldest = connection.execute(select(func.min(journal.c.seq))).scalar()
        return Head(row[0], row[1], row[0] - oldest + 1, row[2]) if row and oldest else Head(0, 0, 0, 0)

    def behind(self, seq: int) -> Lag:
        """What a reader that has reached number *seq* has before it; cheap."""
        following = select(journal).where(journal.c.seq > seq).order_by(journal.c.seq).limit(1)
        with reading(self._engine) as connection:
            first = connection.execute(following).mappings().first()
            last, total = _last(connection)
        if first is None:
            return Lag(0, 0, None)
        return Lag(last - first["seq"] + 1, total - first["total"] + first["alerts"], first["received_at"])

    def quarantine(self, after: int | None = None, limit: int = 50) -> list[Quarantined]:
        """Pieces in quarantine, newest first, from the one before the number *after* on."""
        query = _quarantined(func.substr(quarantine.c.body, 1, _SHOWN_BYTES))
        query = query.order_by(quarantine.c.id.desc()).limit(limit)
        if after is not None:
            query = query.where(quarantine.c.id < after)
        with reading(self._engine) as connection:
            return [_piece(row) for row in connection.execute(query).mappings()]

    def quarantined(self, number: int) -> Quarantined | None:
        """The piece with *number*, with its whole body."""
        query = _quarantined(quarantine.c.body).where(quarantine.c.id == number)
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().first()
        return _piece(row) if row else None

    def mark_replayed(self, number: int, at: int) -> bool:
        """Note that the piece *number* was read again at *at*; False where there is none."""
        change = update(quarantine).where(quarantine.c.id == number).values(replayed_at=at)
        with writing(self._engine) as connection:
            return connection.execute(change).rowcount > 0

    def quarantine_count(self) -> QuarantineCount:
        """How much lies in quarantine; cheap."""
        not_folded = func.count(case((quarantine.c.reason.startswith(FOLD_FAILED, autoescape=True), 1)))
        query = select(func.count(), func.count(quarantine.c.replayed_at), not_folded)
        with reading(self._engine) as connection:
            return QuarantineCount(*connection.execute(query.select_from(quarantine)).one())

    def prune(self, before_ms: int, folded_upto: int) -> int:
        """Drop what was received before *before_ms* and, of entries, folded; return how many rows went.

        The newest entry stays: the count of all alerts goes on from it. Many short transactions, so that
        nobody who appends waits for long.
        """
        return self._prune_entries(before_ms, folded_upto) + self._prune_quarantine(before_ms)

    def _prune_entries(self, before_ms: int, folded_upto: int) -> int:
        with reading(self._engine) as connection:
            cut = _cut(connection, before_ms, folded_upto)
        old = select(journal.c.seq).where(journal.c.seq < cut, journal.c.received_at < before_ms)
        some = old.order_by(journal.c.seq).limit(_PRUNED_AT_ONCE)
        pruned = 0
        while True:
            with writing(self._engine) as connection:
                gone = connection.execute(delete(journal).where(journal.c.seq.in_(some))).rowcount
            pruned += gone
            if gone < _PRUNED_AT_ONCE:
                return pruned

    def _prune_quarantine(self, before_ms: int) -> int:
        with writing(self._engine) as connection:
            return connection.execute(delete(quarantine).where(quarantine.c.received_at < before_ms)).rowcount


def _alone(connection: Connection, engine: Engine) -> None:
    """On PostgreSQL numbers are given before the commit: without a lock a later one may be seen first."""
    if not is_sqlite(engine):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_WRITER})


def _last(connection: Connection) -> tuple[int, int]:
    """Number and running total of the newest entry."""
    newest = select(journal.c.seq, journal.c.total).order_by(journal.c.seq.desc()).limit(1)
    row = connection.execute(newest).first()
    return (row[0], row[1]) if row else (0, 0)


def _cut(connection: Connection, before_ms: int, folded_upto: int) -> int:
    """The first number that must stay, found by halving: times grow with numbers, but for small steps back.

    Without an index on the times, which every append would have to pay for.
    """
    low = connection.execute(select(func.min(journal.c.seq))).scalar() or 0
    high = cut = min(folded_upto + 1, _last(connection)[0])
    while low < high:
        middle = (low + high) // 2
        query = select(journal.c.seq, journal.c.received_at).where(journal.c.seq >= middle)
        seq, received_at = connection.execute(query.order_by(journal.c.seq).limit(1)).one()
        if received_at < before_ms:
            low = seq + 1
        else:
            high = cut = middle
    return cut


def _running(drafts: Sequence[Draft], total: int) -> list[bulk.Row]:
    rows = []
    for draft in drafts:
        total += draft.alerts
        rows.append((*draft[:4], total, draft.payload))
    return rows


def _refused_row(refused: Refused) -> bulk.Row:
    """What could not be read may hold what cannot be written as text either."""
    source, field, reason = (word.encode("utf-8", "backslashreplace").decode() for word in refused[1:4])
    headers = json.dumps(dict(refused.headers))
    return (refused.received_at, source, field, reason, headers, refused.body)


def _first(connection: Connection, query: Any, limit: int) -> list[Entry]:
    entries: list[Entry] = []
    alerts = 0
    with connection.execution_options(yield_per=_READ_ROWS).execute(query) as rows:
        for row in rows:
            entries.append(Entry(*row[:5]))
            alerts += max(1, row[5])
            if alerts >= limit:
                break
    return entries


def _quarantined(body: Any) -> Any:
    plain = (column for column in quarantine.columns if column.name != "body")
    size = func.length(quarantine.c.body).label("size")
    return select(*plain, size, body.label("body"))


def _piece(row: RowMapping) -> Quarantined:
    given = dict(row) | {"headers": json.loads(row["headers"]), "body": bytes(row["body"] or b"")}
    return Quarantined(**given)
